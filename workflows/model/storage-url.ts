/** Kinds of storage pools (design §6 "Storage and placement"), by the schemes that name them. */
const KINDS: Readonly<Record<string, string>> = {
  dir: 'dir',
  filesystem: 'dir',
  nfs: 'nfs',
  logical: 'logical',
  rbd: 'rbd',
};
const FORMS = 'dir:///PATH, nfs://SERVER/PATH, logical:///VOLUME-GROUP or rbd://MONITOR/POOL';

/** The kind of pool that a URL names, or why it names none. Nothing secret may be in it: it is shown. */
export function readPoolUrl(text: string): { kind: string } | { problem: string } {
  if (text.length > 1000) return { problem: 'url is longer than 1000 characters' };
  if (!/^[!-~]+$/.test(text) || /[<>"'`\\]/.test(text)) return { problem: 'url has characters that no URL has' };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: `url is none: expected ${FORMS}` };
  }
  const kind = Object.hasOwn(KINDS, url.protocol.slice(0, -1)) ? KINDS[url.protocol.slice(0, -1)] : undefined;
  if (!kind) return { problem: `url has the unknown scheme ${url.protocol}//: expected ${FORMS}` };
  if (url.username !== '' || url.password !== '')
    return { problem: 'url holds a user or a password: the pool on the hosts has them, this service does not' };
  const remote = kind === 'nfs' || kind === 'rbd';
  if (remote && url.hostname === '') return { problem: `url names no server: expected ${FORMS}` };
  if (!/^\/[\w./-]*\w/.test(url.pathname) || url.pathname.split('/').includes('..'))
    return { problem: `url must name a path, found "${url.pathname}": expected ${FORMS}` };
  return { kind };
}
