export interface Session {
  username: string;
  account: string;
  /** `1` for the root admin. */
  type: string;
  /** Proves that a request comes from this page. Alone it opens nothing: the session's cookie cannot be read by any script. */
  sessionkey: string;
}

export const SESSION_STORE = 'cks.session';

export function readSession(): Session | undefined {
  try {
    return (JSON.parse(localStorage.getItem(SESSION_STORE) ?? 'null') as Session | null) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keepSession(session: Session | undefined): void {
  if (session) localStorage.setItem(SESSION_STORE, JSON.stringify(session));
  else localStorage.removeItem(SESSION_STORE);
}

export const isAdmin = (): boolean => readSession()?.type === '1';
