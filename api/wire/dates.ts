/** A stored time (`YYYY-MM-DD HH:MM:SS.mmm`, UTC) as the wire writes it: `2025-10-30T13:51:39+0000`. */
export const wireDate = (stored: string | null | undefined): string | undefined =>
  stored ? `${stored.slice(0, 10)}T${stored.slice(11, 19)}+0000` : undefined;

/** A moment as it is stored, to compare columns with. */
export const storedTime = (moment: Date): string => moment.toISOString().replace('T', ' ').replace('Z', '');

/** The moment that a date parameter names (`api.md` §1.2), or undefined when it is none. */
export function parseDate(text: string, endOfDay = false): Date | undefined {
  const plain = text.trim();
  const whole = /^\d{4}-\d\d-\d\d$/.test(plain) ? `${plain}T${endOfDay ? '23:59:59' : '00:00:00'}Z` : undefined;
  const local = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(plain) ? `${plain.replace(' ', 'T')}Z` : undefined;
  const zoned = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(?:(Z)|([+ -]\d\d):?(\d\d))$/i.exec(plain);
  const iso =
    whole ?? local ?? (zoned && `${zoned[1]}${zoned[2] ?? `${(zoned[3] ?? '').replace(' ', '+')}:${zoned[4]}`}`);
  if (!iso) return undefined;
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
