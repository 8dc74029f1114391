import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ownParts } from '../../activities/images/open-store.js';
import { ImageStore } from '../../activities/images/store.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { anAuthority } from '../gateway/certificates.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const content = randomBytes(50_000);
const sha256 = createHash('sha256').update(content).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let folder: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cks-answers-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true, force: true });
});

/** A web server of this machine, and the headers that it was asked with. */
async function serve(answer: Answer, tls?: { key: string; cert: string }) {
  const asked: IncomingMessage['headers'][] = [];
  const listener: Answer = (request, response) => {
    asked.push(request.headers);
    answer(request, response);
  };
  const server: Server = tls ? createHttps(tls, listener) : createHttp(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked, url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/file` };
}

const fetchFrom = (url: string) =>
  new ImageStore({
    home: folder,
    settings: () => Promise.resolve(DEFAULT_SETTINGS),
    own: () => Promise.resolve([]),
    versionOf: () => Promise.resolve(undefined),
    onProgress: () => Promise.resolve(),
    pauseMs: 1,
  }).fetch({ kind: 'TEMPLATE', id: 'one', url, checksum: null, format: 'QCOW2' }, { loopback: true });
/** What an earlier attempt left. */
const leavePart = (url: string, bytes: number, validator: string | null) => {
  mkdirSync(join(folder, 'cache'), { recursive: true });
  writeFileSync(join(folder, 'cache/template-one-loopback.part'), content.subarray(0, bytes));
  writeFileSync(join(folder, 'cache/template-one-loopback.part.json'), JSON.stringify({ url, validator }));
};
const refused = (message: RegExp) => ({ type: 'DownloadRefused', nonRetryable: true, message: expect.stringMatching(message) as string }); // prettier-ignore

describe('what a server answers', () => {
  test('a file that is packed for the way is refused: its checksum would be of something else', async () => {
    const { url, asked } = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    );
    await expect(fetchFrom(url)).rejects.toMatchObject(refused(/content-encoding gzip: expected the file as it is/));
    expect(asked[0]).toMatchObject({ 'accept-encoding': 'identity' });
  });

  test('a part that goes on elsewhere than where ours ends is not put behind it', async () => {
    const { url, asked } = await serve(({ headers }, response) => {
      if (headers.range === undefined) return void response.writeHead(200, { etag: '"a"' }).end(content);
      response.writeHead(206, { 'etag': '"a"', 'content-range': `bytes 0-${content.length - 1}/${content.length}` }).end(content); // prettier-ignore
    });
    leavePart(url, 20_000, '"a"');
    expect((await fetchFrom(url)).sha256).toBe(sha256);
    expect(asked.map(({ range }) => range)).toEqual(['bytes=20000-', undefined]);
  });

  test('a file that was whole when its worker was killed is not fetched again', async () => {
    const { url, asked } = await serve(({ headers }, response) => {
      expect(headers.range).toBe(`bytes=${content.length}-`);
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    });
    leavePart(url, content.length, '"a"');
    expect((await fetchFrom(url)).sha256).toBe(sha256);
    expect(asked).toHaveLength(1);
  });

  test('the part of a file from another address is not gone on with', async () => {
    const { url, asked } = await serve((_, response) => response.writeHead(200, { etag: '"a"' }).end(content));
    leavePart('http://mirror.example/file', 20_000, '"a"');
    expect((await fetchFrom(url)).sha256).toBe(sha256);
    expect(asked.map(({ range }) => range)).toEqual([undefined]);
  });

  test.each([
    ['a date', { 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }, 'Thu, 01 Jan 2026 00:00:00 GMT'],
    ['a weak tag', { etag: 'W/"a"' }, undefined],
    ['a weak tag with a date', { 'etag': 'W/"a"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }, 'Thu, 01 Jan 2026 00:00:00 GMT'],
  ])('resumes by what says that a file is the same, byte for byte: %s', async (_, headers, ifRange) => {
    let first = true;
    const { url, asked } = await serve(({ headers: given }, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(given.range ?? '')?.[1] ?? 0);
      const more = from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
      response.writeHead(from > 0 ? 206 : 200, { ...headers, ...more, 'content-length': content.length - from });
      if (!first) return void response.end(content.subarray(from));
      first = false;
      response.write(content.subarray(0, 30_000), () => {
        const wait = () => {
          const part = join(folder, 'cache/template-one-loopback.part');
          if (existsSync(part) && readFileSync(part).length >= 30_000) response.destroy();
          else setTimeout(wait, 5);
        };
        wait();
      });
    });
    expect((await fetchFrom(url)).sha256).toBe(sha256);
    expect(asked[1]).toMatchObject(ifRange === undefined ? {} : { 'range': 'bytes=30000-', 'if-range': ifRange });
    expect(asked[1]?.range === undefined).toBe(ifRange === undefined);
  }); // prettier-ignore
});

describe('https', () => {
  /** Fetched by a process that trusts the authority. */
  async function trusting(ca: string, url: string): Promise<{ sha256?: string; failed?: string }> {
    const child = join(folder, 'child.mjs');
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'ca.pem'), ca);
    await run(join(root, 'node_modules/.bin/esbuild'), [
      join(root, 'test/activities/fetch-child.ts'), '--bundle', '--packages=external', '--platform=node', '--format=esm', '--log-level=error', `--outfile=${child}`,
    ]); // prettier-ignore
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
    return run(process.execPath, ['--no-warnings', child, folder, url], { env }).then(
      ({ stdout }) => JSON.parse(stdout) as { sha256: string },
      (error: { stderr: string }) => ({ failed: error.stderr }),
    );
  }

  test('a server is believed by its certificate only', async () => {
    const { ca, key, cert } = anAuthority('IP:127.0.0.1');
    const { url, asked } = await serve((_, response) => response.end(content), { key, cert });
    await expect(fetchFrom(url)).rejects.toMatchObject({ type: 'DownloadFailed', message: expect.stringMatching(/certificate/) as string }); // prettier-ignore
    expect(asked).toEqual([]);
    expect(await trusting(ca, url)).toMatchObject({ sha256 });
  });

  test('a redirect from https to http is refused', async () => {
    const { ca, key, cert } = anAuthority('IP:127.0.0.1');
    const plain = await serve((_, response) => response.end(content));
    const { url } = await serve((_, response) => response.writeHead(302, { location: plain.url }).end(), { key, cert });
    expect((await trusting(ca, url)).failed).toMatch(/redirects from https to http: http:\/\/127/);
    expect(plain.asked).toEqual([]);
  });
});

test.each([
  ['http://cks.example:8080/client/api', 'sqlite:/x/cks.db', '127.0.0.1:7233', ['cks.example:8080', '127.0.0.1:7233']],
  ['https://cks.example/client/api', 'mysql://cks:x@db1.example/cks', 'temporal.example:17233', ['cks.example:443', 'db1.example:3306', 'temporal.example:17233']],
  ['http://cks.example/client/api', 'mysql://cks:x@db1.example:3307/cks', 'temporal.example', ['cks.example:80', 'db1.example:3307', 'temporal.example:7233']],
  ['', 'sqlite:x', 'temporal.example:7233', ['temporal.example:7233']],
])('the service at %s with %s and Temporal at %s never fetches from itself', (endpoint, databaseUrl, temporalAddress, expected) => {
  expect(ownParts(endpoint, { databaseUrl, temporalAddress }).map(({ host, port }) => `${host}:${port}`)).toEqual(expected);
}); // prettier-ignore
