import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Control } from './control.js';
import { type Action, Refusal } from './faults.js';
import type { Gateways } from './gateways.js';
import type { Hosts } from './hosts.js';
import { imageAt } from './images.js';
import { HttpError, readJson, send, sendJson } from './http.js';
import type { Zone } from './zone.js';

const ABOUT = `This is the simulated zone of CKS: a data centre that exists in this one process only.
Its machines, networks and Kubernetes clusters are simulated. See docs/simulator.md.

  /healthz            answers when the zone is up
  /isos/v1.34.2.iso, /templates/NAME.qcow2   files for its hosts: media of any version, and a template
  /control/world      everything that exists in it
  /control/effects    every change that was made to it
  /control/runs       what cks-node is at work on
  /control/faults     GET, POST, DELETE: faults to switch on
  /control/clock      GET, POST: the date that certificates end by
  /control/hosts/HOST, /control/domains/NAME   POST: switch them off and on
  /control/seed       POST: machines that are there already
`;
const SLOW_SECONDS = 5;

interface Prepared {
  action: Action;
  run: () => Promise<unknown>;
}
/** The protocol of the simulated hosts and gateways (`POST /hosts/NAME/ACTION`, `POST /gateways/NAME/ACTION`), and the controls. */
export function zoneServer(zone: Zone, hosts: Hosts, gateways: Gateways, control: Control): Server {
  const prepare = (path: string[], body: unknown): Prepared | undefined => {
    const [part, name = '', kind = ''] = path;
    if (part === 'hosts') return hosts.prepare(name, kind, body);
    return part === 'gateways' ? gateways.prepare(kind, body) : undefined;
  };

  /** The effect, spoilt by a fault when one waits for it; nothing when the connection shall be cut or never answered. */
  const perform = async ({ action, run }: Prepared, request: IncomingMessage): Promise<unknown> => {
    const begin = zone.clock.now();
    const outage = () => zone.outages.get(action.host ?? '');
    if (outage()) return outage()?.hang ? await new Promise<never>(() => undefined) : void request.socket.destroy();
    const fault = zone.faults.take(action);
    let failed: string | undefined;
    try {
      if (fault === 'fail') throw new Refusal(`simulated fault: ${action.kind} ${action.key} failed`, true);
      if (fault === 'failForGood') throw new Refusal(`simulated fault: ${action.kind} ${action.key} is refused`, false);
      if (fault === 'hang') await new Promise<never>(() => undefined);
      if (fault === 'drop') return void request.socket.destroy();
      if (fault === 'slow') await zone.clock.sleep(SLOW_SECONDS);
      const result = (await run()) ?? {};
      if (fault === 'loseReply') return void request.socket.destroy();
      return result;
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
      if (outage()) return void request.socket.destroy();
      throw error;
    } finally {
      const { kind, key, node, host } = action;
      zone.log.info({ kind, key, node, host, fault, failed, took: zone.clock.now() - begin }, 'simulated zone');
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://simulator');
    const path = pathname.split('/').filter(Boolean);
    if (request.method === 'GET' && pathname === '/') return send(response, 200, ABOUT, 'text/plain; charset=utf-8');
    if (request.method === 'GET' && pathname === '/healthz')
      return sendJson(response, 200, { status: 'ok', simulated: true });
    if (request.method === 'GET' && pathname === '/control/effects') return send(response, 200, zone.disk.effects());
    const image = request.method === 'GET' ? imageAt(pathname) : undefined;
    if (image) return send(response, 200, image, 'application/octet-stream');
    if (path[0] === 'control')
      return sendJson(response, 200, await control(request.method ?? '', path.slice(1), () => readJson(request)), 2);
    const prepared = request.method === 'POST' ? prepare(path, await readJson(request)) : undefined;
    if (!prepared) throw new HttpError(404, `the simulated zone has no ${request.method} ${pathname}`);
    const result = await perform(prepared, request);
    if (result !== undefined) sendJson(response, 200, result);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const { status, body } = shapeOf(error);
      if (status === 500) zone.log.error({ err: error, path: request.url }, 'simulated zone');
      if (!response.headersSent && !response.destroyed) sendJson(response, status, body);
    });
  });
  server.keepAliveTimeout = 30_000;
  return server;
}

function shapeOf(error: unknown): { status: number; body: { error: string; retry: boolean } } {
  if (error instanceof Refusal)
    return { status: error.retry ? 503 : 409, body: { error: error.message, retry: error.retry } };
  if (error instanceof HttpError) return { status: error.status, body: { error: error.message, retry: false } };
  return {
    status: 500,
    body: { error: `mistake in the simulator: ${error instanceof Error ? error.message : String(error)}`, retry: true },
  };
}
