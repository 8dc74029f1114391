import type { IncomingMessage } from 'node:http';
import { badParameter, type WireError } from './errors.js';
import { wellFormed } from './text.js';

const BODY_LIMIT = 2 * 1024 * 1024;
const DRAIN_LIMIT = 64 * 1024 * 1024;
/** More names than any client sends; keeps a flood of tiny parameters cheap. */
const PARAMETER_LIMIT = 5_000;

/** What the request says, names as sent; the last of a repeated name wins, the query string wins over the body. */
export interface Parameters {
  /** Exact names. */
  sent: ReadonlyMap<string, string>;
  /** Why the request cannot be taken, found while reading it; thrown once the caller's format is known. */
  problem?: WireError;
}

function percentDecode(text: string, encoding: BufferEncoding): string | undefined {
  const plain = text.replaceAll('+', ' ');
  if (!plain.includes('%')) return encoding === 'utf8' ? wellFormed(plain) : plain;
  if (/%(?![0-9a-f]{2})/i.test(plain)) return undefined;
  const bytes = plain
    .split(/%([0-9a-f]{2})/i)
    .map((part, index) => (index % 2 ? Buffer.from(part, 'hex') : Buffer.from(part, encoding)));
  return Buffer.concat(bytes).toString(encoding);
}

function readForm(text: string, into: Map<string, string>, encoding: BufferEncoding): WireError | undefined {
  let problem: WireError | undefined;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = percentDecode(at < 0 ? pair : pair.slice(0, at), encoding);
    const value = percentDecode(at < 0 ? '' : pair.slice(at + 1), encoding);
    if (name === undefined || value === undefined) {
      problem ??= badParameter(
        `Unable to decode parameter ${(name ?? 'name').slice(0, 100)}: malformed percent-encoding`,
      );
    } else if (name !== '') {
      if (into.size >= PARAMETER_LIMIT && !into.has(name))
        return badParameter(`A request may have at most ${PARAMETER_LIMIT} parameters`);
      into.set(name, value);
    }
  }
  return problem;
}

/** The body's bytes, or undefined when it is over the limit; the rest is read and dropped so that the client hears the answer. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > DRAIN_LIMIT) return undefined;
    if (size <= BODY_LIMIT) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > BODY_LIMIT ? undefined : Buffer.concat(chunks);
}

/** Reads query string and form body without any parser that turns names into structures. */
export async function readParameters(request: IncomingMessage): Promise<Parameters> {
  const url = request.url ?? '';
  const at = url.indexOf('?');
  const sent = new Map<string, string>();
  let problem: WireError | undefined;
  const type = String(request.headers['content-type'] ?? '').toLowerCase();
  if (request.method === 'POST') {
    const body = await readBody(request);
    if (!body) problem = badParameter(`The request body is larger than ${BODY_LIMIT} bytes`);
    else if (type.startsWith('application/x-www-form-urlencoded')) {
      if (request.headers['content-encoding']) problem = badParameter('A compressed request body is not supported');
      else {
        const latin = /charset="?(iso-8859-1|us-ascii|latin1|windows-1252)/.test(type);
        problem = readForm(body.toString(latin ? 'latin1' : 'utf8'), sent, latin ? 'latin1' : 'utf8');
      }
    }
  }
  const query = at < 0 ? '' : url.slice(at + 1).split('#', 1)[0]!;
  problem = readForm(query, sent, 'utf8') ?? problem;
  return { sent, problem };
}

/** A value whose name is matched ignoring case; the last one wins. */
export function anyCase(sent: ReadonlyMap<string, string>, name: string): string | undefined {
  let value: string | undefined;
  for (const [each, text] of sent) if (each.length === name.length && each.toLowerCase() === name) value = text;
  return value;
}

/** Refuses values with an ASCII control character other than TAB, LF and CR. */
export function refuseControlCharacters(sent: ReadonlyMap<string, string>): void {
  for (const [name, value] of sent) {
    if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(value)) {
      throw badParameter(
        `Received value for parameter ${name} is invalid, contains illegal ASCII non-printable characters`,
      );
    }
  }
}
