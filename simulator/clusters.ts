import type { Socket } from 'node:net';
import { Shelf } from './disk.js';
import { Refusal } from './faults.js';
import { type Guest, type Guests, type GuestWatcher, guestKeyOf } from './guests.js';
import { type ClusterApiState, SimulatedKubernetes } from './kubernetes/cluster-api.js';
import type { Domain, Zone } from './zone.js';

const CHEAP_MS = 2;

/** What the cluster's etcd would hold. */
interface Stored {
  id: string;
  networkId: string;
  endpoint: string;
  savedAt: number;
  api: ClusterApiState;
}
/** Certificates that `kubeadm init phase upload-certs` left for control nodes, under a digest of their key. */
interface Shared {
  digest: string;
  until: number;
}
interface Live {
  id: string;
  networkId: string;
  endpoint: string;
  api: SimulatedKubernetes;
  sockets: Set<Socket>;
  savedAt: number;
  /** What the last write took. A change is written before its reply; when that is dear, at most a tenth of the time is spent on it. */
  costMs: number;
  planned: boolean;
  cutAfterChange: boolean;
}

/** The simulated Kubernetes of every cluster: made by the first `init`, gone with the disk of its last control node. */
export class Clusters implements GuestWatcher {
  private readonly stored: Shelf<Stored>;
  readonly shared: Shelf<Shared>;
  private readonly live = new Map<string, Live>();
  private readonly readyTimers = new Map<string, () => void>();

  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
  ) {
    this.stored = new Shelf(zone.disk, 'cluster');
    this.shared = new Shelf(zone.disk, 'certificates');
  }

  async restore(): Promise<void> {
    for (const one of this.stored.values()) this.hold(one, await SimulatedKubernetes.restore(one.api));
    // A node that joined after the last write of its cluster is not in it.
    for (const key of this.guests.shelf.keys()) {
      const { joined } = this.guests.shelf.get(key) ?? {};
      const cluster = joined && this.live.get(joined.cluster);
      if (joined && cluster && joined.at >= cluster.savedAt) this.register(key);
    }
  }

  async create(
    id: string,
    networkId: string,
    options: Parameters<typeof SimulatedKubernetes.create>[0],
  ): Promise<void> {
    const api = await SimulatedKubernetes.create(options);
    const lost = this.live.get(id);
    if (lost) this.drop(lost);
    this.hold({ id, networkId, endpoint: options.endpoint, savedAt: 0 }, api);
  }

  hasControls(id: string): boolean {
    return this.live.has(id) && this.controls(id).length > 0;
  }

  api(id: string): SimulatedKubernetes | undefined {
    return this.live.get(id)?.api;
  }

  /** The cluster that a machine reaches at that endpoint: through its network's balancer, where the gateway holds the address. */
  reachedFrom(domain: Domain, endpoint: string): string | undefined {
    const [address = '', port = ''] = endpoint.split(':');
    const network = this.zone.networks.values().find((one) => one.publicAddress === address);
    if (network) {
      const balancer = network.balancers.find((one) => one.publicPort === Number(port));
      return balancer && this.behind(network.networkId, balancer.members);
    }
    const direct = this.behind(domain.networkId, [address]);
    return direct ?? [...this.live.values()].find((one) => one.endpoint === endpoint && this.isUp(one.id))?.id;
  }

  /** The cluster of the first of these addresses whose machine runs as a control node. */
  behind(networkId: string, members: string[]): string | undefined {
    for (const address of members) {
      const joined = this.guests.awake(this.guests.at(networkId, address))?.joined;
      if (joined?.role === 'control' && this.live.has(joined.cluster)) return joined.cluster;
    }
    return undefined;
  }

  handle(id: string, socket: Socket): void {
    const cluster = this.live.get(id);
    if (!cluster) {
      socket.destroy();
      return;
    }
    cluster.sockets.add(socket);
    socket.once('close', () => cluster.sockets.delete(socket));
    cluster.api.handle(socket);
  }

  /** Writes the cluster's state now, as part of a larger change. */
  save(id: string): void {
    const cluster = this.live.get(id);
    if (!cluster) return;
    const begin = performance.now();
    cluster.savedAt = this.zone.clock.now();
    const { networkId, endpoint, savedAt } = cluster;
    this.stored.put(id, { id, networkId, endpoint, savedAt, api: cluster.api.snapshot() });
    cluster.costMs = performance.now() - begin;
  }

  /** The kubelet of a joined machine shows up, and is Ready at its time. */
  register(guestKey: string): void {
    const guest = this.guests.shelf.get(guestKey);
    const domain = this.guests.domainOf(guestKey);
    const api = guest?.joined && this.live.get(guest.joined.cluster)?.api;
    if (!guest?.joined || !domain || !api) return;
    const { name, role, readyAt } = guest.joined;
    const version = guest.installed ?? '';
    api.upsertNode({ name, role, address: domain.ipAddress, version, machineId: domain.machineId });
    this.readyTimers.get(guestKey)?.();
    this.readyTimers.set(
      guestKey,
      this.zone.clock.at(readyAt, () => {
        this.readyTimers.delete(guestKey);
        if (this.guests.awake(this.guests.domainOf(guestKey)) && api.nodeNames().includes(name))
          api.setNodeReady(name, true);
      }),
    );
  }

  /** The kubelet stops; the last control node takes the cluster's API and data with it when it is `gone` for good. */
  unregister(guestKey: string, { joined }: Guest, gone: boolean): void {
    if (!joined) return;
    this.readyTimers.get(guestKey)?.();
    this.readyTimers.delete(guestKey);
    const cluster = this.live.get(joined.cluster);
    if (!cluster) return;
    if (cluster.api.nodeNames().includes(joined.name)) cluster.api.setNodeReady(joined.name, false);
    if (joined.role !== 'control') return;
    const others = this.controls(joined.cluster).filter((key) => key !== guestKey);
    if (gone && others.length === 0) {
      this.drop(cluster);
      return;
    }
    const up = others.some((key) => this.guests.awake(this.guests.domainOf(key)));
    if (!up) for (const socket of cluster.sockets) socket.destroy();
  }

  booted(domain: Domain, guestKey: string, resumed: boolean): void {
    const guest = this.guests.shelf.get(guestKey);
    if (!guest?.joined) return;
    const { name, cluster, readyAt } = guest.joined;
    if (!resumed) {
      const ready = domain.bootedAt + this.zone.clock.ms(this.zone.seconds('t_rdy'));
      this.guests.shelf.put(guestKey, { ...guest, joined: { ...guest.joined, readyAt: ready } });
      this.register(guestKey);
    } else if (this.api(cluster)?.nodeNames().includes(name)) {
      if (readyAt > this.zone.clock.now()) this.register(guestKey);
      else this.api(cluster)?.setNodeReady(name, true);
    }
  }

  poweredOff(domain: Domain): void {
    const key = guestKeyOf(domain);
    const guest = this.guests.shelf.get(key);
    if (guest) this.unregister(key, guest, false);
  }

  erased(guestKey: string, guest: Guest): void {
    this.unregister(guestKey, guest, true);
  }

  close(): void {
    for (const cluster of this.live.values()) {
      if (cluster.planned) this.save(cluster.id);
      cluster.api.onChange = undefined;
      for (const socket of cluster.sockets) socket.destroy();
      cluster.api.close();
    }
  }

  private isUp(id: string): boolean {
    return this.controls(id).some((key) => this.guests.awake(this.guests.domainOf(key)));
  }

  private controls(id: string): string[] {
    return this.guests.shelf.keys().filter((key) => {
      const joined = this.guests.shelf.get(key)?.joined;
      return joined?.cluster === id && joined.role === 'control';
    });
  }

  private drop(cluster: Live): void {
    cluster.api.onChange = undefined;
    for (const socket of cluster.sockets) socket.destroy();
    cluster.api.close();
    this.live.delete(cluster.id);
    this.stored.delete(cluster.id);
    this.shared.delete(cluster.id);
  }

  private hold(of: Pick<Live, 'id' | 'networkId' | 'endpoint' | 'savedAt'>, api: SimulatedKubernetes): void {
    const { id, networkId, endpoint, savedAt } = of;
    const rest = { sockets: new Set<Socket>(), costMs: 0, planned: false, cutAfterChange: false };
    const cluster: Live = { id, networkId, endpoint, savedAt, api, ...rest };
    this.live.set(id, cluster);
    api.onChange = () => this.changed(cluster);
    api.onEffect = (action, key) => this.effect(cluster, action, key);
  }

  private changed(cluster: Live): void {
    if (cluster.cutAfterChange) {
      cluster.cutAfterChange = false;
      for (const socket of cluster.sockets) socket.destroy();
    }
    if (cluster.planned) return;
    const due = cluster.savedAt + cluster.costMs * 10;
    if (cluster.costMs < CHEAP_MS || due <= this.zone.clock.now()) {
      this.save(cluster.id);
      return;
    }
    cluster.planned = true;
    this.zone.clock.at(due, () => {
      cluster.planned = false;
      this.save(cluster.id);
    });
  }

  private async effect(cluster: Live, action: string, key: string): Promise<void> {
    const kind = action.startsWith('kubernetes.') ? action : `kubernetes.${action}`;
    const begin = this.zone.clock.now();
    const cut = () => {
      for (const socket of cluster.sockets) socket.destroy();
    };
    const fault = this.zone.faults.take({ on: 'kubernetes', kind, key });
    this.zone.log.info({ cluster: cluster.id, kind, key, fault }, 'simulated kubernetes');
    if (fault === 'fail') throw Object.assign(new Refusal(`simulated fault: ${kind} failed`, true), { status: 503 });
    if (fault === 'failForGood')
      throw Object.assign(new Refusal(`simulated fault: ${kind} refused`, false), { status: 403 });
    if (fault === 'slow') await this.zone.clock.sleep(5);
    if (fault === 'drop') cut();
    if (fault === 'drop' || fault === 'hang') await new Promise<never>(() => undefined);
    if (fault === 'loseReply') cluster.cutAfterChange = true;
    this.zone.record({ on: 'kubernetes', kind, key, node: this.nodeIn(cluster, key) }, begin, this.zone.clock.now());
  }

  private nodeIn(cluster: Live, key: string): string | undefined {
    const name = key.split('/').at(-1) ?? key;
    return cluster.api.nodeNames().includes(name) ? name : undefined;
  }
}
