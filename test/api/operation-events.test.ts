import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mountOperationEvents } from '../../api/operation-events.js';
import { Registry } from '../../api/registry.js';
import type { Services } from '../../api/services.js';
import { COMMANDS } from '../../api/commands/index.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { now } from '../../db/knex.js';
import { addOperation, changeStep } from '../ui/operation-rows.js';
import { addCluster } from './fixtures.js';
import { Harness, PASSWORD, type TestUser } from './harness.js';

let h: Harness;
let operation: string;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());
beforeEach(async () => {
  const cluster = await addCluster(h.db, h.users.U, { name: 'watched' });
  operation = await addOperation(h.db, h.users.U, cluster.uuid);
});

const pathOf = (id: string, user: TestUser) => `/client/operations/${id}/events?${h.query('', {}, user)}`;
const end = () =>
  h
    .db('operation')
    .where({ uuid: operation })
    .update({ state: 'succeeded', ended: now(h.db), active_cluster_id: null });

interface Stream {
  text: string;
  status: number;
  closed: Promise<unknown>;
  sent: ClientRequest;
}
async function listen(path: string, port = h.port): Promise<Stream> {
  const sent = request({ host: '127.0.0.1', port, path });
  sent.on('error', () => undefined);
  const got = once(sent, 'response');
  sent.end();
  const [response] = (await got) as [IncomingMessage];
  const stream: Stream = {
    text: '',
    status: response.statusCode ?? 0,
    sent,
    closed: new Promise((resolve) => response.once('close', resolve)),
  };
  response.on('error', () => undefined).on('data', (chunk: Buffer) => void (stream.text += chunk.toString()));
  return stream;
}
async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(check()).toBe(true);
}

test('a signed listener gets the operation, its changes, and the end (report 3)', async () => {
  const stream = await listen(pathOf(operation, h.users.U));
  await until(() => stream.text.includes('"title":"worker-1: boot","state":"pending"'));
  await changeStep(h.db, operation, 3, { state: 'running', began: now(h.db), attempts: 1 });
  await until(() => stream.text.includes('"title":"worker-1: boot","state":"running"'));
  await end();
  await stream.closed;
  expect(stream.text).toMatch(/event: operation\ndata: .*"state":"succeeded".*\n\nevent: end\ndata: \{\}\n\n$/);
});

test('an operation that has ended is told at once, with its end (report 3)', async () => {
  await end();
  const stream = await listen(pathOf(operation, h.users.A));
  await stream.closed;
  expect(stream.text.match(/event: /g)).toHaveLength(2);
});

test('a session listens with its cookies and session key', async () => {
  const login = await h.form(
    new URLSearchParams({
      command: 'login',
      response: 'json',
      username: 'user',
      password: PASSWORD,
      domain: '/eng/qa',
    }).toString(),
  );
  const cookie = (login.headers['set-cookie'] ?? []).map((each) => each.split(';')[0]).join('; ');
  await end();
  const key = encodeURIComponent(String(login.content.sessionkey));
  const reply = await h.raw({ path: `/client/operations/${operation}/events?sessionkey=${key}`, headers: { cookie } });
  expect(reply.status).toBe(200);
  expect(reply.text).toContain('event: end');
});

test('strangers, unknown operations and callers without credentials are refused', async () => {
  const status = async (path: string) => (await h.raw({ path })).status;
  expect(await status(`/client/operations/${operation}/events`)).toBe(401);
  expect(await status(pathOf(operation, h.users.other))).toBe(531);
  expect(await status(pathOf('3b241101-e2bb-4255-8caf-4136c566a962', h.users.U))).toBe(404);
});

/** The route alone, with limits of its own. */
async function alone(limits: { listeners?: number; keepAliveMs?: number }) {
  const reads = { count: 0 };
  const count = () => void (reads.count += 1);
  h.db.on('query', count);
  const services = {
    db: h.db, sealer: h.sealer, temporalUi: '', now: () => new Date(), settings: () => Promise.resolve(DEFAULT_SETTINGS), registry: () => new Registry(COMMANDS),
    log: { warn: () => undefined, error: () => undefined, debug: () => undefined },
  } as unknown as Services; // prettier-ignore
  const app = express();
  app.set('query parser', false);
  mountOperationEvents(app, services, { pollMs: 50, ...limits });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, reads, done: () => h.db.removeListener('query', count) };
}

test('listeners beyond the limit are refused, and a place is free again when one leaves', async () => {
  const { server, port, done } = await alone({ listeners: 1 });
  const path = pathOf(operation, h.users.U);
  const first = await listen(path, port);
  expect((await listen(path, port)).status).toBe(503);
  first.sent.destroy();
  let again = 503;
  for (let i = 0; i < 40 && again === 503; i++) {
    const stream = await listen(path, port);
    again = stream.status;
    stream.sent.destroy();
  }
  expect(again).toBe(200);
  server.close();
  done();
});

test('nothing is read once nobody listens, and a silent stream is kept alive', async () => {
  const { server, port, reads, done } = await alone({ keepAliveMs: 20 });
  const stream = await listen(pathOf(operation, h.users.U), port);
  await until(() => stream.text.includes(': still here'));
  stream.sent.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = reads.count;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(reads.count).toBe(before);
  server.close();
  done();
});

test('a server that closes ends its streams and is not held up by them', async () => {
  const { server, port, done } = await alone({});
  const stream = await listen(pathOf(operation, h.users.U), port);
  const began = Date.now();
  await new Promise((resolve) => server.close(resolve));
  await stream.closed;
  expect(Date.now() - began).toBeLessThan(2000);
  done();
});
