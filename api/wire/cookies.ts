/** Cookies of a request. */
export function readCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at > 0 && !cookies.has(name))
      cookies.set(
        name,
        part
          .slice(at + 1)
          .trim()
          .replace(/^"|"$/g, ''),
      );
  }
  return cookies;
}

export const SESSION_COOKIE = 'JSESSIONID';

/** The two cookies of a session, as the original sets them. */
export const sessionCookies = (token: string, sessionkey: string, secure: boolean): string[] => [
  `${SESSION_COOKIE}=${token};Path=/client;HttpOnly;SameSite=Lax${secure ? ';Secure' : ''}`,
  `sessionkey=${sessionkey};Path=/client;HttpOnly;SameSite=Lax${secure ? ';Secure' : ''}`,
];

/** Ends every cookie that the request brought. */
export const endedCookies = (cookies: ReadonlyMap<string, string>): string[] =>
  [...cookies.keys()]
    .filter((name) => /^[\w.-]+$/.test(name))
    .map((name) => `${name}=;Path=/client;Max-Age=0;HttpOnly;SameSite=Lax`);
