/** `2024-05-01T10:00:00+0000` as a moment; the colon is missing on the wire. */
export const moment = (wire: unknown): Date => new Date(String(wire).replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));

export const dateText = (wire: unknown): string =>
  wire === undefined ? '' : moment(wire).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** `75` → `1 min 15 s`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export const spanText = (from: unknown, to: unknown): string =>
  from === undefined
    ? ''
    : durationText(((to === undefined ? Date.now() : moment(to).getTime()) - moment(from).getTime()) / 1000);

export const memoryText = (mb: unknown): string => {
  const value = Number(mb);
  return value >= 1024 ? `${Math.round((value / 1024) * 10) / 10} GB` : `${value} MB`;
};

/** A word for a POSIX shell, quoted when it needs to be. */
export const shellWord = (text: string): string =>
  /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A name for a file that no shell and no file system takes for anything else. */
export const fileName = (text: string): string => text.replace(/[^\w.-]+/g, '_').replace(/^[.-]+/, '') || 'cluster';

/** Numeric order of dotted versions: 1.9.0 before 1.10.0. */
export const byVersion = (a: unknown, b: unknown): number =>
  String(a).localeCompare(String(b), 'en', { numeric: true });

/** A dotted name in parts, so that a line may break after each dot and a copy of it still is the name. */
export const dotted = (text: string): string[] => text.split(/(?<=\.)/);

/** Opening letter in upper case. */
export const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
