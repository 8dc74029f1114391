import { createServer, type IncomingMessage, type Server } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEncryptionKey } from '../db/encryption-key.js';
import { fromWire, HistoryCodec, toWire, type HistoryPayload, type WirePayload } from '../db/history-codec.js';
import { readTemporalSettings } from './temporal-settings.js';

const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Opens sealed histories for the Temporal Web UI, and for `temporal --codec-endpoint`, in the browser's own machine: it listens on
 * loopback and answers the pages of `origins`, and programs.
 */
export function codecServer(codec: HistoryCodec, origins: readonly string[]): Server {
  return createServer((request, response) => {
    const { origin, host = '' } = request.headers;
    // A name that leads here from a page elsewhere is no loopback name.
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host) || (origin !== undefined && !origins.includes(origin)))
      return void response.writeHead(403).end();
    if (origin !== undefined)
      response
        .setHeader('Access-Control-Allow-Origin', origin)
        .setHeader('Access-Control-Allow-Headers', 'authorization, content-type, x-namespace')
        .setHeader('Access-Control-Allow-Credentials', 'true')
        .setHeader('Access-Control-Allow-Private-Network', 'true')
        .setHeader('Vary', 'Origin');
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const turn = request.url?.endsWith('/decode')
      ? codec.decode
      : request.url?.endsWith('/encode')
        ? codec.encode
        : null;
    if (request.method !== 'POST' || !turn) return void response.writeHead(404).end('POST to /decode or /encode\n');
    turned(request, turn).then(
      (body) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(body),
      (error: unknown) => response.writeHead(400).end(`${error instanceof Error ? error.message : 'failed'}\n`),
    );
  });
}

async function turned(
  request: IncomingMessage,
  turn: (payloads: HistoryPayload[]) => Promise<HistoryPayload[]>,
): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    if ((bytes += part.length) > MOST_BYTES) throw new Error('too large');
    parts.push(part);
  }
  // Without arguments the list is left out.
  const { payloads = [] } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { payloads?: WirePayload[] };
  return JSON.stringify({ payloads: (await turn(payloads.map(fromWire))).map(toWire) });
}

function main(env: NodeJS.ProcessEnv): void {
  const codec = new HistoryCodec(readEncryptionKey(env, path.resolve(env['CKS_HOME'] ?? '.cks')), true);
  const port = Number(env['CKS_CODEC_PORT'] ?? '8788');
  const uiPort = env['TEMPORAL_UI_PORT'] ?? readTemporalSettings().ui_port;
  const origins = env['TEMPORAL_UI_URL']
    ? [new URL(env['TEMPORAL_UI_URL']).origin]
    : [`http://127.0.0.1:${uiPort}`, `http://localhost:${uiPort}`];
  codecServer(codec, origins)
    .once('error', (error) => {
      process.stderr.write(`codec: ${error.message}; CKS_CODEC_PORT takes another port\n`);
      process.exit(1);
    })
    .listen(port, '127.0.0.1', () =>
      process.stdout.write(`codec: opens histories at http://127.0.0.1:${port} for ${origins.join(' and ')}\n`),
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.env);
