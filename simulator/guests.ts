import { Shelf } from './disk.js';
import type { Domain, Seed, Zone } from './zone.js';

/** One keyed run of `cks-node`, as its unit and its result file would show it. */
export interface Run {
  key: string;
  subcommand: string;
  state: 'queued' | 'running' | 'done' | 'failed';
  begin: number;
  end: number;
  exit: number;
  result: Record<string, unknown>;
  error: string;
  /** Kept while the run is on, for a restart of the simulator; may hold secrets. */
  input?: Record<string, string>;
  phase?: string;
}

/** What a machine's disk holds: it stays when the machine is off or its seed is gone, and goes with the volume. */
export interface Guest {
  instanceId: string;
  hostName: string;
  hostKey: string;
  authorizedKeys: string[];
  /** Content hashes of the copies of `cks-node` on it. */
  programs: string[];
  installed?: string;
  /** Versions that lie ready for an upgrade. */
  staged?: string[];
  /** When the certificates of this control node end, by the calendar of the zone. */
  certificates?: number;
  /** A machine for etcd alone; a member once it has a name. */
  etcd?: { version: string; name?: string; ca?: string };
  /** Digest of the private registry's address and login. */
  registry?: string;
  joined?: { cluster: string; role: 'control' | 'worker'; name: string; at: number; readyAt: number };
  runs: Record<string, Run>;
}

/** Parts of the zone that follow machines and their disks. */
export interface GuestWatcher {
  /** The machine runs, its system is up at `domain.bootedAt`; also told for every running machine when the simulator starts. */
  booted?(domain: Domain, guestKey: string, resumed: boolean): void;
  poweredOff?(domain: Domain, guestKey: string): void;
  /** The disk is about to go. */
  erased?(guestKey: string, guest: Guest): void;
}

interface CloudConfig {
  users?: { name: string; ssh_authorized_keys?: string[] }[];
  ssh_keys?: { ed25519_private?: string };
}

export const guestKeyOf = (domain: Domain) => `${domain.host}/${domain.volume}`;
export const domainKeyOf = (domain: Domain) => `${domain.host}/${domain.name}`;

/** The machines as seen from inside: their first boot, their disks, and who has which address. */
export class Guests {
  /** In groups by the cluster that they joined. */
  readonly shelf: Shelf<Guest>;
  readonly watchers: GuestWatcher[] = [];
  /** Domain keys by network and address. */
  private readonly byAddress = new Map<string, string>();
  private readonly byGuest = new Map<string, string>();

  constructor(private readonly zone: Zone) {
    this.shelf = new Shelf<Guest>(zone.disk, 'guest', ({ joined }) => joined?.cluster);
    for (const domain of zone.domains.values()) this.learn(domain);
  }

  /** Tells every watcher of the machines that ran when the simulator stopped. */
  resume(): void {
    for (const domain of this.zone.domains.values()) {
      if (domain.state === 'running' && this.shelf.has(guestKeyOf(domain)))
        this.watchers.forEach((one) => one.booted?.(domain, guestKeyOf(domain), true));
    }
  }

  learn(domain: Domain): void {
    this.byAddress.set(`${domain.networkId} ${domain.ipAddress}`, domainKeyOf(domain));
    this.byGuest.set(guestKeyOf(domain), domainKeyOf(domain));
  }

  forget(domain: Domain): void {
    // Another has its address since its host was lost.
    const address = `${domain.networkId} ${domain.ipAddress}`;
    if (this.byAddress.get(address) === domainKeyOf(domain)) this.byAddress.delete(address);
    this.byGuest.delete(guestKeyOf(domain));
  }

  at(networkId: string, address: string): Domain | undefined {
    return this.zone.domains.get(this.byAddress.get(`${networkId} ${address}`) ?? '');
  }

  /** The machine that the disk is in. */
  domainOf(guestKey: string): Domain | undefined {
    return this.zone.domains.get(this.byGuest.get(guestKey) ?? '');
  }

  /** The system of a machine that is up and has had its first boot. */
  awake(domain: Domain | undefined): Guest | undefined {
    if (domain?.state !== 'running' || this.zone.clock.now() < domain.bootedAt) return undefined;
    return this.shelf.get(guestKeyOf(domain));
  }

  boot(domain: Domain): void {
    const key = guestKeyOf(domain);
    const guest = this.afterFirstBoot(domain, this.shelf.get(key));
    if (!guest) return;
    this.shelf.put(key, guest);
    this.watchers.forEach((one) => one.booted?.(domain, key, false));
  }

  powerOff(domain: Domain): void {
    this.watchers.forEach((one) => one.poweredOff?.(domain, guestKeyOf(domain)));
  }

  erase(guestKey: string): void {
    const guest = this.shelf.get(guestKey);
    if (!guest) return;
    this.watchers.forEach((one) => one.erased?.(guestKey, guest));
    this.shelf.delete(guestKey);
  }

  /** cloud-init: a seed with another instance id than the disk's is taken in, any other changes nothing. */
  private afterFirstBoot(domain: Domain, before: Guest | undefined): Guest | undefined {
    const seed = domain.media
      .map((medium) => this.zone.seeds.get(`${domain.host}/${medium}`))
      .find((one): one is Seed => one?.files['user-data'] !== undefined);
    if (!seed) return before;
    const meta = seed.files['meta-data'] ?? '';
    const value = (key: string) => new RegExp(`"?${key}"?\\s*:\\s*"?([^"\\s,}]+)`).exec(meta)?.[1];
    const instanceId = value('instance-id') ?? domain.machineId;
    if (before?.instanceId === instanceId) return before;
    const config = cloudConfig(seed.files['user-data'] ?? '');
    const hostKey = config?.ssh_keys?.ed25519_private;
    const wrong = !config
      ? 'its user-data is not "#cloud-config" followed by JSON'
      : !hostKey
        ? 'its user-data has no ssh_keys.ed25519_private'
        : !seed.files['network-config']?.includes(domain.ipAddress)
          ? `its network-config does not hold ${domain.ipAddress}`
          : undefined;
    if (wrong !== undefined || !config || !hostKey) {
      this.zone.log.warn({ domain: domain.name, seed: seed.name }, `simulated guest will not answer: ${wrong}`);
      return before;
    }
    const cloud = config.users?.find((user) => user.name === 'cloud');
    return {
      programs: [],
      runs: {},
      ...before,
      instanceId,
      hostName: value('local-hostname') ?? domain.hostName,
      hostKey,
      authorizedKeys: cloud?.ssh_authorized_keys ?? [],
    };
  }
}

/** The service writes its cloud-config as JSON, which is YAML; nothing else is understood here. */
function cloudConfig(userData: string): CloudConfig | undefined {
  const [first = '', ...rest] = userData.split('\n');
  if (first.trim() !== '#cloud-config') return undefined;
  try {
    const read: unknown = JSON.parse(rest.join('\n'));
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}
