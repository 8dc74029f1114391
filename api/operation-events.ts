import type { Server } from 'node:http';
import type { Application, Request, Response } from 'express';
import { readCluster } from '../db/clusters.js';
import { readOperation } from '../db/operations.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { Caller, Fields } from './command.js';
import { callerOfRequest } from './mounts.js';
import { assertAccess } from './ownership.js';
import { mayCall } from './registry.js';
import type { Services } from './services.js';
import { renderOperation } from './views/operation.js';
import { SECURITY_HEADERS, send } from './wire/endpoint.js';
import { errorContent, write } from './wire/envelope.js';
import { answerFor, WireError } from './wire/errors.js';

const POLL_MS = 500;
/** Below the minute after which common proxies end a silent connection. */
const KEEP_ALIVE_MS = 20_000;
const MOST_LISTENERS = 500;
/** What a client may leave unread before it is taken for gone. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;

export interface EventLimits {
  pollMs: number;
  keepAliveMs: number;
  listeners: number;
}

/** True once the server that took the connection has been told to close: it waits for open answers, so this one has to end. */
const isClosing = ({ socket }: Response): boolean =>
  (socket as unknown as { server?: Server } | null)?.server?.listening === false;

interface Channel {
  listeners: Set<Response>;
  /** The newest event, for those who come later. */
  last: string;
}

/** Operations that somebody listens to: each is read once per interval, however many listen. */
class Channels {
  readonly #open = new Map<string, Channel>();
  #count = 0;

  constructor(
    private readonly services: Services,
    private readonly limits: EventLimits,
  ) {}

  get isFull(): boolean {
    return this.#count >= this.limits.listeners;
  }

  join(operationId: string, response: Response): void {
    const present = this.#open.get(operationId);
    const channel = present ?? { listeners: new Set<Response>(), last: '' };
    channel.listeners.add(response);
    this.#count += 1;
    const beat = setInterval(() => {
      if (!response.writableEnded) response.write(': still here\n\n');
    }, this.limits.keepAliveMs);
    response.on('error', () => response.destroy());
    response.once('close', () => {
      clearInterval(beat);
      this.#count -= 1;
      channel.listeners.delete(response);
    });
    if (channel.last !== '') response.write(channel.last);
    if (present) return;
    this.#open.set(operationId, channel);
    void this.#watch(operationId, channel);
  }

  /** Until the operation has ended or nobody listens any more. */
  async #watch(operationId: string, channel: Channel): Promise<void> {
    const { listeners } = channel;
    let ended = false;
    let failing = false;
    while (!ended && listeners.size > 0) {
      const operation = await this.#read(operationId, failing);
      failing = operation === undefined;
      ended = operation?.ended !== undefined;
      if (operation) this.#tell(channel, `event: operation\ndata: ${JSON.stringify(operation)}\n\n`);
      for (const listener of listeners) if (ended) listener.end('event: end\ndata: {}\n\n');
      for (const listener of listeners) if (isClosing(listener)) listener.end();
      if (!ended) await new Promise((resolve) => setTimeout(resolve, this.limits.pollMs));
    }
    this.#open.delete(operationId);
  }

  #read(operationId: string, failing: boolean): Promise<Fields | undefined> {
    const { db, temporalUi, now, log } = this.services;
    return renderOperation({ db, temporalUi, now }, operationId).catch((error: unknown) => {
      if (!failing)
        log.warn({ operation: operationId, error: textOf(error) }, 'cannot read an operation to tell of it');
      return undefined;
    });
  }

  #tell(channel: Channel, event: string): void {
    if (event === channel.last) return;
    channel.last = event;
    for (const listener of channel.listeners) {
      if (listener.writableLength > MOST_UNREAD_BYTES) listener.destroy();
      else if (!listener.writableEnded) listener.write(event);
    }
  }
}

const LIST = 'listKubernetesClusterOperations';

/** The id of an operation that the caller may see; throws what the client is told. */
async function admit(services: Services, request: Request, seen: { caller?: Caller }): Promise<string> {
  const registry = services.registry();
  if (!registry) throw new WireError(503, 9999, 'The service is starting: its database does not answer yet');
  const caller = await callerOfRequest(services, request);
  seen.caller = caller;
  const list = registry.find(LIST);
  if (!list || !mayCall(list, caller))
    throw new WireError(432, 9999, `The API [${LIST}] does not exist or is not available`);
  const id = String(request.params.id);
  const operation = await readOperation(services.db, id);
  if (!operation) throw new WireError(404, 4350, `There is no operation ${id.slice(0, 64)}`);
  const cluster = await readCluster(services.db, operation.cluster_id);
  if (!cluster) throw fault('Internal', `the cluster of operation ${operation.uuid} is missing`);
  await assertAccess({ db: services.db, caller }, cluster.account_id);
  return operation.uuid;
}

/** `GET /client/operations/<id>/events`: the operation whenever it changed, then `end`, as server-sent events. */
export function mountOperationEvents(app: Application, services: Services, limits: Partial<EventLimits> = {}): void {
  const all = { pollMs: POLL_MS, keepAliveMs: KEEP_ALIVE_MS, listeners: MOST_LISTENERS, ...limits };
  const channels = new Channels(services, all);
  app.get('/client/operations/:id/events', async (request, response) => {
    const seen: { caller?: Caller } = {};
    try {
      const id = await admit(services, request, seen);
      if (channels.isFull)
        throw new WireError(503, 9999, `More than ${all.listeners} clients listen to operations here; ask again later`);
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
      // The connection ends with the stream, so that a server that closes does not wait for it; proxies must not hold events back.
      response.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: 'close', 'X-Accel-Buffering': 'no' });
      if (request.method === 'HEAD' || response.destroyed) return void response.end();
      response.write('retry: 2000\n\n');
      channels.join(id, response);
    } catch (error) {
      const answer = answerFor(error, undefined, seen.caller?.role, services.log);
      if (answer.status === 503) response.setHeader('Retry-After', '5');
      const { type, body } = write('errorresponse', errorContent(answer), 'json');
      send(response, answer.status, type, body);
    }
  });
}
