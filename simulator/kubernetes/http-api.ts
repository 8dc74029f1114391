import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { discover, openApi } from './discovery.js';
import { heartbeat } from './nodes.js';
import type { KubeObject } from './objects.js';
import { decodeProtobuf } from './protobuf.js';
import { type Resource, groupVersionOf, resourcesOf } from './resources.js';
import type { DeleteOptions, Rest, Target } from './rest.js';
import { review } from './reviews.js';
import { fieldMatcher, labelMatcher } from './selectors.js';
import { StatusError } from './status-error.js';
import type { Store } from './store.js';
import { toTable } from './tables.js';
import { watch } from './watch.js';

const MAX_BODY_BYTES = 3 * 1024 * 1024;
const ADMINISTRATORS = ['system:masters', 'kubeadm:cluster-admins'];

export interface ApiFacts {
  store: Store;
  rest: Rest;
  /** Told of each request that only reads, before it is answered. */
  look(action: string, key: string): Promise<void>;
  endpoint: string;
  version(): string;
  /** The date that client certificates end by, in epoch milliseconds. */
  now(): number;
}

/** Answers one request; whatever goes wrong becomes a `Status`. */
export async function answer(facts: ApiFacts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await route(facts, request, response);
  } catch (error) {
    const status = StatusError.from(error);
    if (response.headersSent) response.destroy();
    else sendJson(response, status.status, status.body());
  }
}

function sendJson(response: ServerResponse, code: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

/** Throws unless the client holds an administrator's certificate of this cluster. */
function authenticate(request: IncomingMessage, path: string, now: number): string {
  const socket = request.socket as TLSSocket;
  const certificate = socket.getPeerCertificate();
  const subject = certificate?.subject as Record<string, string | string[]> | undefined;
  const wrong = subject && (!socket.authorized || Date.parse(certificate.valid_to) <= now);
  if (request.headers.authorization || wrong) throw new StatusError(401, 'Unauthorized');
  const groups = [subject?.O ?? []].flat();
  const user = String(subject?.CN ?? 'system:anonymous');
  if (!subject || !groups.some((group) => ADMINISTRATORS.includes(group)))
    throw new StatusError(403, `forbidden: User "${user}" cannot ${request.method?.toLowerCase()} path "${path}"`);
  return user;
}

async function route(facts: ApiFacts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const path = url.pathname.replace(/(.)\/+$/, '$1');
  if (/^\/(readyz|livez|healthz)(\/|$)/.test(path)) {
    const verbose =
      url.searchParams.has('verbose') && `[+]ping ok\n[+]etcd ok (simulated)\n${path.slice(1)} check passed\n`;
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(verbose || 'ok');
    return;
  }
  if (path === '/version') return sendJson(response, 200, versionInfo(facts.version()));
  const user = authenticate(request, path, facts.now());
  const resources = resourcesOf(facts.store);
  const target = targetOf(path, resources);
  if (target) return serve(facts, target, url.searchParams, request, response);
  const reviewed = request.method === 'POST' && review(path, user, ADMINISTRATORS);
  if (reviewed) return sendJson(response, 201, reviewed);
  const found = discover(path, resources, facts.endpoint) ?? openApi(path, resources);
  if (!found) throw new StatusError(404, 'the server could not find the requested resource');
  sendJson(response, 200, found);
}

function versionInfo(gitVersion: string): object {
  const [major, minor] = gitVersion.replace(/^v/, '').split('.');
  const build = { gitCommit: 'simulated', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z' };
  return { major, minor, gitVersion, ...build, goVersion: 'simulated', compiler: 'simulated', platform: 'linux/amd64' };
}

function targetOf(path: string, resources: Resource[]): Target | undefined {
  const [root, ...parts] = path.split('/').slice(1).map(decode);
  const groupVersion = root === 'api' ? parts.shift() : root === 'apis' ? parts.splice(0, 2).join('/') : undefined;
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && parts[2] !== 'status';
  const namespace = inNamespace ? parts.splice(0, 2)[1] : undefined;
  const [plural, name, subresource, ...rest] = parts;
  const resource = resources.find((each) => each.plural === plural && groupVersionOf(each) === groupVersion);
  if (!resource || rest.length || (subresource && !resource.subresources.includes(subresource))) return undefined;
  if (resource.namespaced ? name && !namespace : namespace) return undefined;
  return { resource, namespace, name, subresource };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new StatusError(400, `malformed path segment ${part}`);
  }
}

async function serve(
  facts: ApiFacts,
  target: Target,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { rest } = facts;
  const { resource, name, namespace, subresource } = target;
  const type = contentType(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const dryRun = query.getAll('dryRun').includes('All');
  if (method === 'GET') await facts.look(`${name ? 'get' : 'list'}.${resource.plural}`, name ?? '');
  if (method === 'GET' && !name) return list(facts, target, query, request, response);
  if (method === 'GET') return sendObject(facts, target, rest.read(target), 200, query, request, response);
  const body = await readBody(request);
  const send = (object: KubeObject, code = 200): void =>
    sendObject(facts, target, object, code, query, request, response);
  if (method === 'POST' && !name) {
    if (resource.namespaced && !namespace)
      throw new StatusError(400, 'an empty namespace may not be set during creation');
    return send(await rest.create(target, body, dryRun), 201);
  }
  if (method === 'POST' && subresource === 'eviction') {
    await rest.evict(target, body, dryRun);
    return sendJson(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
  }
  if (method === 'PUT' && name) return send(await rest.update(target, body, dryRun));
  if (method === 'PATCH' && name) {
    if (type === 'application/apply-patch+yaml' && !query.get('fieldManager'))
      throw new StatusError(
        400,
        'PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch',
      );
    const { object, created } = await rest.patch(target, type, body, dryRun);
    return send(object, created ? 201 : 200);
  }
  if (method !== 'DELETE' || subresource)
    throw new StatusError(405, 'the server does not allow this method on the requested resource');
  const sent = (body ?? {}) as DeleteOptions;
  const options = { ...sent, propagationPolicy: query.get('propagationPolicy') ?? sent.propagationPolicy };
  if (query.has('gracePeriodSeconds')) options.gracePeriodSeconds = Number(query.get('gracePeriodSeconds'));
  const dry = dryRun || !!sent.dryRun?.length;
  if (!name) {
    const { items } = select(facts.store, target, query);
    for (const { metadata } of items)
      await rest.remove({ ...target, name: metadata.name, namespace: metadata.namespace }, options, dry);
    return sendJson(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
  }
  const removed = await rest.remove(target, options, dry);
  if (resource.id === 'pods' || removed.metadata.deletionTimestamp) return send(removed);
  const details = { name, group: resource.group || undefined, kind: resource.plural, uid: removed.metadata.uid };
  sendJson(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

function select(store: Store, { resource, namespace }: Target, query: URLSearchParams) {
  const byLabel = labelMatcher(query.get('labelSelector'));
  const byField = fieldMatcher(query.get('fieldSelector'), resource.id);
  const matches = (object: KubeObject): boolean =>
    (namespace === undefined || object.metadata.namespace === namespace) && byLabel(object) && byField(object);
  const items = store.list(resource.id).filter(matches);
  const place = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
  return { matches, items: items.sort((a, b) => (place(a) < place(b) ? -1 : 1)) };
}

const wantsTable = (request: IncomingMessage): boolean => {
  const first = (request.headers.accept ?? '').split(',')[0]!;
  return first.includes('as=Table') && first.includes('g=meta.k8s.io');
};

function list(
  { store }: ApiFacts,
  target: Target,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { resource } = target;
  const { matches, items } = select(store, target, query);
  const groupVersion = groupVersionOf(resource);
  const include = query.get('includeObject');
  const version = String(store.version);
  const current = (object: KubeObject): KubeObject => heartbeat(store, resource.id, object);
  if (['true', '1'].includes(query.get('watch') ?? '')) {
    const render = wantsTable(request)
      ? (object: KubeObject) => toTable(resource.id, [current(object)], object.metadata.resourceVersion, include)
      : current;
    const details = { resource: resource.id, groupVersion, kind: resource.kind, matches, render };
    const since = query.get('resourceVersion');
    const sendInitialEvents = query.get('sendInitialEvents') === 'true';
    const bookmarks = query.get('allowWatchBookmarks') === 'true';
    return watch(
      store,
      { ...details, since, sendInitialEvents, bookmarks, timeoutSeconds: Number(query.get('timeoutSeconds')) },
      response,
    );
  }
  const objects = items.map(current);
  if (wantsTable(request)) return sendJson(response, 200, toTable(resource.id, objects, version, include));
  const metadata = { resourceVersion: version };
  sendJson(response, 200, { kind: `${resource.kind}List`, apiVersion: groupVersion, metadata, items: objects });
}

function sendObject(
  { store }: ApiFacts,
  { resource, subresource }: Target,
  object: KubeObject,
  code: number,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const shown = subresource === 'scale' ? object : heartbeat(store, resource.id, object);
  if (!wantsTable(request) || subresource === 'scale') return sendJson(response, code, shown);
  sendJson(response, code, toTable(resource.id, [shown], object.metadata.resourceVersion, query.get('includeObject')));
}

const contentType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim();

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new StatusError(413, `Request entity too large: limit is ${MAX_BODY_BYTES}`);
    chunks.push(chunk);
  }
  if (!size) return undefined;
  const type = contentType(request);
  if (type === 'application/vnd.kubernetes.protobuf') return decodeProtobuf(Buffer.concat(chunks));
  if (!/json|yaml/.test(type)) throw new StatusError(415, `the body of the request was in an unknown format: ${type}`);
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    if (!type.includes('yaml'))
      throw new StatusError(400, `the body of the request is not JSON: ${(cause as Error).message}`);
  }
  try {
    const { loadYaml } = await import('@kubernetes/client-node');
    return loadYaml<unknown>(text);
  } catch (cause) {
    throw new StatusError(400, `the body of the request is not YAML: ${(cause as Error).message}`);
  }
}
