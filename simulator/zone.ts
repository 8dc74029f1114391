import type { Logger } from 'pino';
import type { DomainSpec, DomainState, HostNetwork, SeedMedium, VolumeSpec } from '../activities/hypervisor/driver.js';
import type { GatewayNetwork } from '../activities/gateway/driver.js';
import { Clock } from './clock.js';
import { Disk, Shelf } from './disk.js';
import { type Action, Faults, Refusal } from './faults.js';
import { Locks } from './locks.js';
import type { Profile, Symbol8 } from './profiles.js';

export interface ZoneOptions {
  folder: string;
  profile: Profile;
  scale: number;
  log: Logger;
  host: { cpus: number; ramMb: number; arch: string };
}

export interface Domain extends DomainSpec {
  host: string;
  state: DomainState;
  /** When the running machine's SSH server answers, in epoch milliseconds; 0 when it is off. */
  bootedAt: number;
  /** It starts with its host. */
  autostart: boolean;
}
export interface Volume extends VolumeSpec {
  host: string;
}
export interface Seed extends SeedMedium {
  host: string;
}
/** A cached copy on a host: what the file was that was fetched for it. */
export interface Copy {
  host: string;
  id: string;
  url?: string;
  bytes?: number;
  sha256?: string;
}
/** A network's bridge on a host. */
export interface Bridge extends HostNetwork {
  host: string;
}
/** A host that was switched off: it refuses calls, or leaves them without an answer. */
export interface Outage {
  host: string;
  hang: boolean;
}
export interface Address {
  publicAddress: string;
  networkId: string;
}

/** What the parts of the simulated data centre share: its objects, its clock, its faults and its list of effects. */
export class Zone {
  readonly profile: Profile;
  readonly log: Logger;
  readonly hostSize: ZoneOptions['host'];
  readonly clock: Clock;
  readonly disk: Disk;
  readonly faults: Faults;
  readonly locks = new Locks();
  readonly domains: Shelf<Domain>;
  readonly volumes: Shelf<Volume>;
  readonly seeds: Shelf<Seed>;
  readonly isos: Shelf<Copy>;
  readonly templates: Shelf<Copy>;
  readonly bridges: Shelf<Bridge>;
  readonly outages: Shelf<Outage>;
  readonly networks: Shelf<GatewayNetwork>;
  readonly addresses: Shelf<Address>;
  private readonly calendar: Shelf<{ offsetSeconds: number }>;

  constructor(options: ZoneOptions) {
    this.profile = options.profile;
    this.log = options.log;
    this.hostSize = options.host;
    this.clock = new Clock(options.scale);
    this.disk = new Disk(options.folder);
    this.faults = new Faults(this.disk);
    const byHost = ({ host }: { host: string }) => host;
    this.domains = new Shelf<Domain>(this.disk, 'domain', byHost);
    this.volumes = new Shelf<Volume>(this.disk, 'volume', byHost);
    this.seeds = new Shelf<Seed>(this.disk, 'seed', byHost);
    this.isos = new Shelf<Copy>(this.disk, 'iso', byHost);
    this.templates = new Shelf<Copy>(this.disk, 'template', byHost);
    this.bridges = new Shelf<Bridge>(this.disk, 'bridge', byHost);
    this.outages = new Shelf(this.disk, 'outage');
    this.networks = new Shelf(this.disk, 'namespace');
    this.addresses = new Shelf(this.disk, 'address');
    this.calendar = new Shelf(this.disk, 'calendar');
    this.clock.offsetSeconds = this.calendar.get('zone')?.offsetSeconds ?? 0;
  }

  seconds(symbol: Symbol8): number {
    return this.profile[symbol];
  }

  setCalendar(offsetSeconds: number): void {
    this.calendar.put('zone', { offsetSeconds });
    this.clock.offsetSeconds = offsetSeconds;
  }

  /** Spends the time, then makes the change and its record as one; a kill in between leaves neither. */
  async change(action: Action, seconds: number, act: () => void): Promise<void> {
    const begin = this.clock.now();
    if (seconds > 0) await this.clock.sleep(seconds);
    if (action.host !== undefined && this.outages.has(action.host)) throw new Refusal(`${action.host} is down`, true);
    this.disk.commit(() => {
      act();
      this.record(action, begin, this.clock.now());
    });
  }

  record({ kind, key, node, network }: Action, begin: number, end: number): void {
    const iso = (time: number) => new Date(time).toISOString();
    this.disk.addEffect({ kind, key, node: node ?? null, network, begin: iso(begin), end: iso(end) });
  }

  close(): void {
    this.clock.stop();
    this.disk.close();
  }
}
