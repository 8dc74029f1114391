const LINE = Buffer.from('\r\n');
const BLANK = Buffer.from('\r\n\r\n');
const MOST_HEADER_BYTES = 16 * 1024;

/** What the body of a form is not: said to the sender. */
export class MultipartError extends Error {}

/** The boundary of a `multipart/form-data` content type. */
export function boundaryOf(contentType: string | undefined): string {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;.*\bboundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined)
    throw new MultipartError(`expected multipart/form-data with a boundary, found ${(contentType ?? 'no content type').slice(0, 100)}`); // prettier-ignore
  return boundary;
}

/** Reads on until `mark` is in the buffer. */
class Reader {
  #rest: Buffer = Buffer.alloc(0);
  readonly #chunks: AsyncIterator<Buffer>;
  constructor(body: AsyncIterable<Buffer>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done) throw new MultipartError('the form ends early');
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
  }

  /** What comes before `mark`, piece by piece; `mark` itself is read too. */
  async *until(mark: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      if (at >= 0) {
        if (at > 0) yield this.#rest.subarray(0, at);
        this.#rest = this.#rest.subarray(at + mark.length);
        return;
      }
      // The mark may have begun at the end of what is there.
      const sure = this.#rest.length - mark.length + 1;
      if (sure > 0) {
        yield this.#rest.subarray(0, sure);
        this.#rest = this.#rest.subarray(sure);
      }
      await this.#more();
    }
  }

  async text(mark: Buffer): Promise<string> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of this.until(mark)) {
      bytes += piece.length;
      if (bytes > MOST_HEADER_BYTES) throw new MultipartError('the headers of a part are too long');
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString('latin1');
  }
}

/** The bytes of the first file of a form (a part with a file name), as they come in; its other fields are skipped. */
export async function* fileOf(body: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Buffer> {
  const reader = new Reader(body);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  await reader.text(Buffer.from(`--${boundary}`));
  for (;;) {
    if ((await reader.text(LINE)).startsWith('--')) throw new MultipartError('the form holds no file');
    const headers = await reader.text(BLANK);
    const isFile = /^content-disposition:.*\bfilename\*?=/im.test(headers);
    for await (const piece of reader.until(delimiter)) if (isFile) yield piece;
    if (isFile) return;
  }
}
