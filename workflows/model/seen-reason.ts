/**
 * A cluster's reason has what its last operation said, and what the scan sees. Each look replaces what the looks before it saw, and
 * nothing else: why an operation failed tells more.
 */
export const SEEN = {
  troubles: 'not all nodes run: ',
  silent: 'its API server does not answer: ',
  again: 'its machines run again: its API server is asked',
  started: 'somebody started machines of this stopped cluster: ',
  certificates: 'its certificates end on ',
} as const;

const BETWEEN = ' | ';
/** What an operation said is cut to this, so that there is room for what is seen. */
const MOST = 1200;

const parts = (reason: string | null): string[] => (reason === null || reason === '' ? [] : reason.split(BETWEEN));
const isSeen = (part: string): boolean => Object.values(SEEN).some((beginning) => part.startsWith(beginning));

/** What an operation said, without what was seen. */
export const saidIn = (reason: string | null): string | null => {
  const said = parts(reason).filter((part) => !isSeen(part));
  return said.length === 0 ? null : said.join(BETWEEN);
};

/** The reason with what is seen now in the place of what was seen before; null: nothing is. */
export const withSeen = (reason: string | null, seen: string | null): string | null => {
  const said = saidIn(reason);
  if (seen === null) return said;
  return said === null ? seen : `${said.slice(0, MOST)}${BETWEEN}${seen}`;
};

/** The reason with other words in the place of what an operation said; what was seen stays. */
export const withSaid = (reason: string | null, said: string | null): string | null =>
  withSeen(said, parts(reason).find(isSeen) ?? null);

export const hasSeen = (reason: string | null, what: keyof typeof SEEN): boolean =>
  parts(reason).some((part) => part.startsWith(SEEN[what]));
