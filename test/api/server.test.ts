import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../api/environment.js';
import { main } from '../../api/server.js';
import { Harness } from './harness.js';

describe('the environment', () => {
  const home = mkdtempSync(join(tmpdir(), 'cks-env-'));
  writeFileSync(join(home, 'key'), 'x'.repeat(40));

  test('has defaults', () => {
    expect(readEnvironment({ CKS_HOME: home })).toMatchObject({
      port: 8080,
      databaseUrl: `sqlite:${join(home, 'cks.db')}`,
      logLevel: 'info',
      temporalUi: 'http://127.0.0.1:8233/namespaces/default',
    });
  });
  test('links lead to the namespace and the Web UI that were given', () => {
    const env = { CKS_HOME: home, TEMPORAL_UI_URL: 'https://temporal.example/', TEMPORAL_NAMESPACE: 'cks' };
    expect(readEnvironment(env).temporalUi).toBe('https://temporal.example/namespaces/cks');
  });
  test.each([
    [{ PORT: 'many' }, /^PORT must be a port/],
    [{ PORT: '70000' }, /^PORT must be a port/],
    [{ DATABASE_URL: 'postgres://x' }, /^DATABASE_URL must begin with/],
    [{ CKS_LOG_LEVEL: 'loud' }, /^CKS_LOG_LEVEL must be/],
    [{ DATABASE_URL: 'mysql://user@host/db' }, /^CKS_ENCRYPTION_KEY is missing/],
  ])('%j is refused in one line that names the variable', (env, wanted) => {
    expect(() => readEnvironment({ CKS_HOME: home, ...env })).toThrow(wanted);
  });
});

test('a busy port is one line that names PORT', async () => {
  const h = await Harness.start();
  const home = mkdtempSync(join(tmpdir(), 'cks-busy-'));
  writeFileSync(join(home, 'key'), 'x'.repeat(40));
  await expect(
    main({ CKS_HOME: home, PORT: String(h.port), HOST: '127.0.0.1', CKS_LOG_LEVEL: 'silent' }),
  ).rejects.toThrow(`port ${h.port} is in use: set PORT to another one`);
  await h.stop();
});

const talk = (port: number, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1', () => socket.write(text));
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.on('close', () => resolve(heard)).on('error', reject);
  });

test('what is not HTTP, and headers without end, are refused in the usual shape', async () => {
  const h = await Harness.start();
  const nonsense = await talk(h.port, 'HELLO\r\n\r\n');
  expect(nonsense).toMatch(/^HTTP\/1\.1 400 /);
  expect(JSON.parse(nonsense.split('\r\n\r\n')[1]!)).toMatchObject({ errorresponse: { errorcode: 400 } });
  const endless = await talk(h.port, `GET /client/api?x=${'y'.repeat(300_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(JSON.parse(endless.split('\r\n\r\n')[1]!)).toMatchObject({ errorresponse: { errorcode: 431 } });
  await h.stop();
});

test('an idle connection is kept longer than clients and balancers keep theirs, which a minute is usual for', async () => {
  const h = await Harness.start();
  const answer = await fetch(`http://127.0.0.1:${h.port}/healthz`);
  expect(/timeout=(\d+)/.exec(answer.headers.get('keep-alive') ?? '')?.[1]).toBe('75');
  await h.stop();
});
