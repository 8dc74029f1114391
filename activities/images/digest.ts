import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fault } from '../../workflows/model/fault.js';
import { checksumText, parseChecksum } from '../../workflows/model/image.js';

/**
 * SHA-256 and size of a file, read once. `DownloadRefused` when the file does not have the checksum that was given
 * (`{SHA-256}…`, plain MD5, see `parseChecksum`).
 */
export async function verify(
  path: string,
  from: string,
  given: string | null,
  signal: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const wanted = given === null ? undefined : parseChecksum(given);
  if (wanted && 'problem' in wanted) throw fault('DownloadRefused', wanted.problem);
  const sha256 = createHash('sha256');
  const other = wanted && wanted.name !== 'SHA-256' ? createHash(wanted.name.replace('-', '').toLowerCase()) : undefined; // prettier-ignore
  let bytes = 0;
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        sha256.update(chunk);
        other?.update(chunk);
        bytes += chunk.length;
      }
    },
    { signal },
  );
  const found = sha256.digest('hex');
  if (wanted) {
    const hex = other ? other.digest('hex') : found;
    if (hex !== wanted.hex)
      throw fault('DownloadRefused', `${from} has the wrong checksum: expected ${checksumText(wanted)}, found ${checksumText({ name: wanted.name, hex })} (${bytes} bytes)`); // prettier-ignore
  }
  return { bytes, sha256: found };
}
