import type { Socket } from 'node:net';
import type { Balancer, GatewayNetwork } from '../activities/gateway/driver.js';
import { Shelf } from './disk.js';
import { type FaultKind, Refusal } from './faults.js';
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
  /** Missing in a file of before there were dedicated members and clusters without a pod network. */
  members?: Member[];
  networked?: boolean;
}
/** A member of the cluster's etcd, by its disk: a control node, or a machine of its own. */
export interface Member {
  name: string;
  guestKey: string;
  dedicated: boolean;
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
  members: Member[];
  /** Its nodes have a pod network: before that none is Ready. */
  networked: boolean;
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
  /** What a machine's kubelet is going to say of itself, or what is going to be said of it. */
  private readonly timers = new Map<string, () => void>();

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
    for (const cluster of this.live.values())
      for (const [key, { joined }] of this.guests.shelf.in(cluster.id)) {
        if (joined && joined.at >= cluster.savedAt) this.register(key);
        if (joined && this.guests.domainOf(key)?.state !== 'running') this.lose(key, cluster, joined.name);
      }
  }

  async create(
    id: string,
    networkId: string,
    options: Parameters<typeof SimulatedKubernetes.create>[0],
    more: Pick<Live, 'members' | 'networked'>,
  ): Promise<void> {
    const api = await SimulatedKubernetes.create({ ...options, now: this.zone.clock.calendar() });
    const lost = this.live.get(id);
    if (lost) this.drop(lost);
    if (more.networked) api.putComponent('network');
    this.hold({ id, networkId, endpoint: options.endpoint, savedAt: 0, ...more }, api);
  }

  hasControls(id: string): boolean {
    return this.live.has(id) && this.controls(id).length > 0;
  }

  controls(id: string): Guest[] {
    return this.controlKeys(id).flatMap((key) => this.guests.shelf.get(key) ?? []);
  }

  members(id: string): (Member & { healthy: boolean })[] {
    return (this.live.get(id)?.members ?? []).map((one) => {
      const guest = this.guests.awake(this.guests.domainOf(one.guestKey));
      return { ...one, healthy: one.dedicated ? !!guest?.etcd : guest?.joined?.cluster === id };
    });
  }

  hasQuorum(id: string, without?: string): boolean {
    const left = this.members(id).filter(({ name }) => name !== without);
    return left.filter(({ healthy }) => healthy).length * 2 > left.length;
  }

  /** A control node brings its member; absent or equal: nothing. */
  setMember(id: string, member: Member): void {
    this.setMembers(id, (members) => [...members.filter(({ name }) => name !== member.name), member]);
  }

  removeMember(id: string, name: string): void {
    this.setMembers(id, (members) => members.filter((one) => one.name !== name));
    this.cutIfDown(id);
  }

  /** The pod network is there: nodes become Ready. */
  connectPods(id: string): void {
    const cluster = this.live.get(id);
    if (!cluster) return;
    cluster.api.putComponent('network');
    cluster.networked = true;
    this.save(id);
    for (const key of this.guests.shelf.in(id).keys()) this.register(key);
  }

  /** An API server answers: a control node with a member of etcd runs, and etcd has its quorum. */
  isUp(id: string): boolean {
    return this.serving(id).length > 0 && this.hasQuorum(id);
  }

  /** Every API server that runs has certificates whose time is over. */
  isExpired(id: string): boolean {
    const now = this.zone.clock.calendar();
    return this.serving(id).every(({ certificates }) => certificates !== undefined && certificates <= now);
  }

  api(id: string): SimulatedKubernetes | undefined {
    return this.live.get(id)?.api;
  }

  /** The cluster that a machine reaches at that endpoint: through its network's balancer, where the gateway holds the address. */
  reachedFrom(domain: Domain, endpoint: string): string | undefined {
    const [address = '', port = ''] = endpoint.split(':');
    const network = this.zone.networks.values().find((one) => one.publicAddresses.includes(address));
    if (network) {
      const balancer = network.balancers.find(
        (one) => one.publicAddress === address && one.publicPort === Number(port),
      );
      return balancer && this.served(network, balancer);
    }
    const direct = this.behind(domain.networkId, [address]);
    return direct ?? [...this.live.values()].find((one) => one.endpoint === endpoint && this.isUp(one.id))?.id;
  }

  /** The cluster that a balancer's members, but for those in drain, answer for. */
  served({ tiers }: GatewayNetwork, { networkNumber, members }: Balancer): string | undefined {
    const tier = tiers.find((one) => one.networkNumber === networkNumber);
    const serving = members.filter(({ draining }) => !draining).map(({ address }) => address);
    return tier && this.behind(tier.networkId, serving);
  }

  /** The cluster of the first of these addresses whose machine runs as a control node. */
  behind(networkId: string, members: string[]): string | undefined {
    for (const address of members) {
      const joined = this.guests.awake(this.guests.at(networkId, address))?.joined;
      if (joined?.role === 'control' && this.live.has(joined.cluster) && this.isUp(joined.cluster))
        return joined.cluster;
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
    cluster.api.handle(socket, this.isExpired(id));
  }

  /** Writes the cluster's state now, as part of a larger change. */
  save(id: string): void {
    const cluster = this.live.get(id);
    if (!cluster) return;
    const begin = performance.now();
    cluster.savedAt = this.zone.clock.now();
    const { networkId, endpoint, savedAt, members, networked } = cluster;
    this.stored.put(id, { id, networkId, endpoint, savedAt, members, networked, api: cluster.api.snapshot() });
    cluster.costMs = performance.now() - begin;
  }

  /** The kubelet of a joined machine shows up, and is Ready at its time; `restarted`: until then it is not. */
  register(guestKey: string, restarted = false): void {
    const guest = this.guests.shelf.get(guestKey);
    const domain = this.guests.domainOf(guestKey);
    const cluster = guest?.joined && this.live.get(guest.joined.cluster);
    if (!guest?.joined || !domain || !cluster) return;
    const { api } = cluster;
    const { name, role, readyAt } = guest.joined;
    const { ipAddress: address, machineId, cpus, ramMb } = domain;
    api.upsertNode({ name, role, address, version: guest.installed ?? '', machineId, cpus, ramMb });
    if (restarted) api.setNodeReady(name, false);
    this.later(guestKey, readyAt, () => {
      if (this.guests.awake(this.guests.domainOf(guestKey)) && cluster.networked) api.setNodeReady(name, true);
    });
  }

  /** The kubelet stops; the last control node takes the cluster's API and data with it when it is `gone` for good. */
  unregister(guestKey: string, { joined }: Guest, gone: boolean): void {
    const cluster = joined && this.live.get(joined.cluster);
    if (!cluster) return;
    this.lose(guestKey, cluster, joined.name);
    if (joined.role !== 'control') return;
    const others = this.controlKeys(joined.cluster).filter((key) => key !== guestKey);
    if (gone && others.length === 0) this.drop(cluster);
    else this.cutIfDown(cluster.id);
  }

  booted(domain: Domain, guestKey: string, resumed: boolean): void {
    const guest = this.guests.shelf.get(guestKey);
    if (!guest?.joined) return;
    const { name, cluster, readyAt } = guest.joined;
    if (!resumed) {
      const ready = domain.bootedAt + this.zone.clock.ms(this.zone.seconds('t_rdy'));
      this.guests.shelf.put(guestKey, { ...guest, joined: { ...guest.joined, readyAt: ready } });
      this.register(guestKey);
    } else if (this.api(cluster)?.hasNode(name)) {
      if (readyAt > this.zone.clock.now()) this.register(guestKey);
      else if (this.live.get(cluster)?.networked) this.api(cluster)?.setNodeReady(name, true);
    }
  }

  poweredOff(domain: Domain): void {
    const key = guestKeyOf(domain);
    const guest = this.guests.shelf.get(key);
    if (guest) this.unregister(key, guest, false);
    if (guest?.etcd) this.cutIfDown(domain.clusterId);
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

  private later(guestKey: string, time: number, act: () => void): void {
    this.timers.get(guestKey)?.();
    const cancel = this.zone.clock.at(time, () => {
      this.timers.delete(guestKey);
      act();
    });
    this.timers.set(guestKey, cancel);
  }

  /** Nobody hears of the kubelet any more; the node is given up after a while. */
  private lose(guestKey: string, { api }: Live, name: string): void {
    const patience = this.zone.clock.ms(this.zone.seconds('t_notready'));
    this.later(guestKey, this.zone.clock.now() + patience, () => {
      if (api.hasNode(name)) api.setNodeReady(name, 'Unknown');
    });
  }

  private controlMembers(id: string): Member[] {
    return this.controlKeys(id).map((guestKey) => {
      const name = this.guests.shelf.get(guestKey)?.joined?.name ?? guestKey;
      return { name, guestKey, dedicated: false };
    });
  }

  private controlKeys(id: string): string[] {
    return [...this.guests.shelf.in(id)].filter(([, { joined }]) => joined?.role === 'control').map(([key]) => key);
  }

  /** Control nodes that run, and whose etcd was not taken from them. */
  private serving(id: string): Guest[] {
    const members = this.live.get(id)?.members ?? [];
    const external = members.some(({ dedicated }) => dedicated);
    return this.controlKeys(id)
      .filter((key) => external || members.some(({ guestKey }) => guestKey === key))
      .flatMap((key) => this.guests.awake(this.guests.domainOf(key)) ?? []);
  }

  private setMembers(id: string, change: (members: Member[]) => Member[]): void {
    const cluster = this.live.get(id);
    if (!cluster) return;
    cluster.members = change(cluster.members);
    this.save(id);
  }

  private cutIfDown(id: string): void {
    const cluster = this.live.get(id);
    if (cluster && !this.isUp(id)) for (const socket of cluster.sockets) socket.destroy();
  }

  private drop(cluster: Live): void {
    cluster.api.onChange = undefined;
    for (const socket of cluster.sockets) socket.destroy();
    cluster.api.close();
    this.live.delete(cluster.id);
    this.stored.delete(cluster.id);
    this.shared.delete(cluster.id);
  }

  private hold({ api: _, ...of }: Omit<Stored, 'api'> & { api?: unknown }, api: SimulatedKubernetes): void {
    const rest = { sockets: new Set<Socket>(), costMs: 0, planned: false, cutAfterChange: false };
    const { networked = true, members = this.controlMembers(of.id) } = of;
    const cluster: Live = { ...of, networked, members, api, ...rest };
    this.live.set(cluster.id, cluster);
    api.terminationMs = this.zone.clock.ms(this.zone.seconds('t_drain'));
    api.now = () => this.zone.clock.calendar();
    api.onChange = () => this.changed(cluster);
    api.onEffect = (action, key) => this.effect(cluster, action, key);
    api.onLook = (action, key) => this.look(cluster, action, key);
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
    const fault = this.zone.faults.take({ on: 'kubernetes', kind, key, cluster: cluster.id });
    this.zone.log.info({ cluster: cluster.id, kind, key, fault }, 'simulated kubernetes');
    await this.spoil(cluster, kind, fault);
    if (fault === 'loseReply') cluster.cutAfterChange = true;
    this.zone.record({ on: 'kubernetes', kind, key, node: this.nodeIn(cluster, key) }, begin, this.zone.clock.now());
  }

  /** A request that changes nothing: its answer is all that can be lost. */
  private async look(cluster: Live, action: string, key: string): Promise<void> {
    const kind = `kubernetes.${action}`;
    const fault = this.zone.faults.take({ on: 'kubernetes', kind, key, cluster: cluster.id, observes: true });
    if (fault === undefined) return;
    this.zone.log.info({ cluster: cluster.id, kind, key, fault }, 'simulated kubernetes');
    await this.spoil(cluster, kind, fault === 'loseReply' ? 'drop' : fault);
  }

  /** What a fault does before the request is carried out, if it ever is. */
  private async spoil(cluster: Live, kind: string, fault: FaultKind | undefined): Promise<void> {
    if (fault === 'fail') throw Object.assign(new Refusal(`simulated fault: ${kind} failed`, true), { status: 503 });
    if (fault === 'failForGood')
      throw Object.assign(new Refusal(`simulated fault: ${kind} refused`, false), { status: 403 });
    if (fault === 'slow') await this.zone.clock.sleep(5);
    if (fault === 'drop') for (const socket of cluster.sockets) socket.destroy();
    if (fault === 'drop' || fault === 'hang') await new Promise<never>(() => undefined);
  }

  private nodeIn(cluster: Live, key: string): string | undefined {
    const name = key.split('/').at(-1) ?? key;
    return cluster.api.hasNode(name) ? name : undefined;
  }
}
