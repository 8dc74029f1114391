/** What the address after `#` says: a path and parameters. */
export interface Route {
  path: string[];
  query: URLSearchParams;
}

export function readRoute(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export const linkTo = (path: readonly string[], query: Record<string, string> = {}): string => {
  const search = new URLSearchParams(query).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search && `?${search}`}`;
};

export const go = (...path: string[]): void => void (location.hash = linkTo(path));

/** A view fills `main` and stops everything it began when `signal` says so. */
export interface View {
  main: HTMLElement;
  route: Route;
  signal: AbortSignal;
}
export type ShowView = (view: View) => void;
