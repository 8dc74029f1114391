import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { type Logger, pino } from 'pino';
import { Clusters } from './clusters.js';
import { controlOf } from './control.js';
import { Gateways } from './gateways.js';
import { Guests } from './guests.js';
import { Hosts } from './hosts.js';
import { components } from './components.js';
import { etcd } from './etcd.js';
import { kubeadm } from './kubeadm.js';
import { Machines } from './machines.js';
import { NodeRuns } from './node-runs.js';
import { readProfile } from './profiles.js';
import { zoneServer } from './server.js';
import { NodeShells } from './ssh.js';
import type { Subcommands } from './subcommand.js';
import { upgrades } from './upgrades.js';
import { Zone } from './zone.js';

export interface SimulatorOptions {
  /** 0 takes a free one. */
  port?: number;
  /** `instant`, `demo`, `realistic`, or the path of a JSON file. */
  profile?: string;
  /** The state is kept in its folder `simulator`. */
  home?: string;
  /** Divides every duration. */
  scale?: number;
  /** Size of every host. */
  host?: { cpus?: number; ramMb?: number; arch?: string };
  log?: Logger;
}
export interface Simulator {
  /** `http://127.0.0.1:PORT` */
  url: string;
  port: number;
  /** Ends all connections and timers where they are, as a kill would. */
  close(): Promise<void>;
}

/** Opens the simulated zone of that home folder: what was in it is there again, and what was going on goes on. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, profile = 'instant', home = '.cks', scale = 1, host = {} } = options;
  const zone = new Zone({
    folder: join(resolve(home), 'simulator'),
    profile: readProfile(profile),
    scale,
    log: options.log ?? pino({ enabled: false }),
    // As the default zone registers its hosts (db/defaults.ts): room for a thousand clusters.
    host: { cpus: 4096, ramMb: 4_194_304, arch: 'x86_64', ...host },
  });
  const guests = new Guests(zone);
  const clusters = new Clusters(zone, guests);
  const parts = { zone, guests, clusters };
  const commands: Subcommands = { ...kubeadm(parts), ...upgrades(parts), ...etcd(parts), ...components(parts) };
  const runs = new NodeRuns(zone, guests, commands);
  const shells = new NodeShells(zone, guests, runs, clusters, commands);
  const gateways = new Gateways(zone, guests, shells, clusters);
  const machines = new Machines(zone, guests);
  const hosts = new Hosts(zone, guests, machines);
  const server = zoneServer(zone, hosts, gateways, controlOf(zone, guests, machines));
  guests.watchers.push(runs, shells, clusters);
  const close = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    server.closeAllConnections();
    gateways.close();
    shells.close();
    clusters.close();
    zone.close();
    await closed;
  };
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    await clusters.restore();
    guests.resume();
    await gateways.resume();
  } catch (error) {
    await close();
    throw error;
  }
  const bound = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${bound}`, port: bound, close };
}
