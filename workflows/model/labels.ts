/** Names that people give to things which end up in libvirt's XML, in files and on command lines. */
const TOKEN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const LABEL_LENGTH = 100;
const TOKEN_LENGTH = 63;

/** Why a text cannot name a host, a pool, a bridge or a tag; undefined when it can. */
export function badToken(what: string, text: string, length = TOKEN_LENGTH): string | undefined {
  if (text.length > length) return `${what} must have ${length} characters at most, found ${text.length}`;
  if (!TOKEN.test(text))
    return `${what} must be of letters, digits, ".", "_" and "-" and begin with a letter or digit, found "${shown(text)}"`;
  return undefined;
}

/** Why a text cannot name a zone or a group, where any language may be used; undefined when it can. */
export function badLabel(what: string, text: string, length = LABEL_LENGTH): string | undefined {
  if (text.trim() === '') return `${what} must not be empty`;
  if (text.length > length) return `${what} must have ${length} characters at most, found ${text.length}`;
  if (text !== text.trim()) return `${what} must not begin or end with a blank, found "${shown(text)}"`;
  if (/[\x00-\x1f\x7f<>&"']/.test(text)) return `${what} must not hold control characters or any of < > & " ', found "${shown(text)}"`; // prettier-ignore
  return undefined;
}

/** Why a list of tags, separated by commas, cannot be one; undefined when it can. An empty one can. */
export function badTags(text: string): string | undefined {
  if (text.length > 255) return `hosttags must have 255 characters at most, found ${text.length}`;
  for (const tag of text.split(',').map((each) => each.trim())) {
    const problem = tag === '' ? undefined : badToken('a host tag', tag);
    if (problem) return problem;
  }
  return undefined;
}

const shown = (text: string) => text.slice(0, 60).replace(/[\x00-\x1f\x7f]/g, '?');
