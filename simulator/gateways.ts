import { type Server, type Socket, createServer } from 'node:net';
import { z } from 'zod';
import type { GatewayNetwork } from '../activities/gateway/driver.js';
import type { Clusters } from './clusters.js';
import { type Action, Refusal } from './faults.js';
import type { Guests } from './guests.js';
import type { NodeShells } from './ssh.js';
import type { Zone } from './zone.js';

const port = z.int().min(1).max(65535);
const service = { protocol: z.enum(['tcp', 'udp', 'icmp', 'all']), from: z.int(), to: z.int() };
const networkSchema = z.object({
  networkId: z.string().min(1),
  outside: z.object({ bridge: z.string(), prefix: z.int(), gateway: z.ipv4() }).nullable(),
  tiers: z.array(
    z.object({
      networkId: z.string().min(1),
      networkNumber: z.int(),
      cidr: z.cidrv4(),
      gateway: z.ipv4(),
      bridge: z.string().nullable(),
      peers: z.array(z.string()),
      acl: z
        .array(
          z.object({
            direction: z.enum(['in', 'out']),
            action: z.enum(['allow', 'deny']),
            ...service,
            cidr: z.cidrv4(),
          }),
        )
        .nullable(),
    }),
  ),
  publicAddresses: z.array(z.ipv4()).min(1),
  openings: z.array(z.object({ publicAddress: z.ipv4(), ...service, cidr: z.cidrv4() })),
  egress: z.object({
    policy: z.enum(['allow', 'deny']),
    except: z.array(z.object({ ...service, source: z.cidrv4(), destination: z.cidrv4() })),
  }),
  forwards: z.array(
    z.object({
      publicAddress: z.ipv4(),
      protocol: z.enum(['tcp', 'udp']),
      publicPort: port,
      publicEndPort: port,
      address: z.ipv4(),
      port,
    }),
  ),
  balancers: z.array(
    z.object({
      publicAddress: z.ipv4(),
      name: z.string(),
      publicPort: port,
      port,
      algorithm: z.enum(['roundrobin', 'leastconn', 'source']),
      networkNumber: z.int(),
      cidrs: z.array(z.cidrv4()),
      members: z.array(z.object({ address: z.ipv4(), draining: z.boolean() })),
      // A simulated balancer knows its members without asking: with what it would ask them is no change of it.
      check: z
        .object({ ca: z.string() })
        .nullable()
        .transform(() => null),
    }),
  ),
});
const addressSchema = z.object({ networkId: z.string().min(1), publicAddress: z.ipv4() });
const absentSchema = z.object({ networkId: z.string().min(1) });

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The gateway host: public addresses on loopback, with a listener for each forward and balancer that the firewall lets in. */
export class Gateways {
  private readonly listeners = new Map<string, Server>();
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
    private readonly shells: NodeShells,
    private readonly clusters: Clusters,
  ) {}

  /** Opens again what was open when the simulator stopped. */
  async resume(): Promise<void> {
    for (const network of this.zone.networks.values())
      await this.listen(network).catch((error: unknown) => this.zone.log.error({ err: error }, 'simulated gateway'));
  }

  prepare(kind: string, body: unknown): { action: Action; run: () => Promise<unknown> } | undefined {
    const action = (key: string): Action => ({ on: 'gateway', kind, key });
    const locked = (networkId: string, act: () => Promise<void>) => () =>
      this.zone.locks.run(`gateway/${networkId}`, act);
    if (kind === 'gateway.address') {
      const wanted = parse(kind, addressSchema, body);
      const { networkId, publicAddress } = wanted;
      const taken = { ...action(publicAddress), network: networkId };
      const run = locked(networkId, async () => {
        if (!this.claim(networkId, publicAddress)) return;
        await this.zone.change(taken, this.zone.seconds('t_ip'), () => {
          this.claim(networkId, publicAddress);
          this.zone.addresses.put(publicAddress, wanted);
        });
      });
      return { action: taken, run };
    }
    if (kind === 'gateway.apply') {
      const network: GatewayNetwork = parse(kind, networkSchema, body);
      return {
        action: action(network.networkId),
        run: locked(network.networkId, () => this.apply(action(network.networkId), network)),
      };
    }
    if (kind === 'gateway.read') {
      const network = parse(kind, networkSchema, body);
      const held = same(this.zone.networks.get(network.networkId), network);
      return { action: { ...action(network.networkId), observes: true }, run: () => Promise.resolve({ held }) };
    }
    if (kind === 'gateway.delete') {
      const { networkId } = parse(kind, absentSchema, body);
      return { action: action(networkId), run: locked(networkId, () => this.remove(action(networkId), networkId)) };
    }
    return undefined;
  }

  close(): void {
    for (const server of this.listeners.values()) server.close();
    this.listeners.clear();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Whether the address still has to be taken for this network; throws when it cannot be. */
  private claim(networkId: string, publicAddress: string): boolean {
    if (!publicAddress.startsWith('127.') || publicAddress === '127.0.0.1')
      throw new Refusal(
        `the simulated gateway has addresses 127.x.y.z other than 127.0.0.1 only, not ${publicAddress}`,
        false,
      );
    const holder = this.zone.addresses.get(publicAddress)?.networkId;
    if (holder !== undefined && holder !== networkId)
      throw new Refusal(`public address ${publicAddress} belongs to network ${holder}, not ${networkId}`, false);
    return holder === undefined;
  }

  private async apply(action: Action, network: GatewayNetwork): Promise<void> {
    const { networkId, publicAddresses } = network;
    for (const address of publicAddresses) this.claim(networkId, address);
    const found = this.zone.networks.get(networkId);
    if (same(found, network)) return this.listen(network);
    const seconds = found ? this.zone.seconds('t_pf') + this.zone.seconds('t_fw') : this.zone.seconds('t_net');
    const begin = this.zone.clock.now();
    await this.zone.clock.sleep(seconds);
    await this.listen(network);
    this.zone.disk.commit(() => {
      for (const held of this.zone.addresses.values())
        if (held.networkId === networkId && !publicAddresses.includes(held.publicAddress))
          this.zone.addresses.delete(held.publicAddress);
      for (const publicAddress of publicAddresses) this.zone.addresses.put(publicAddress, { networkId, publicAddress });
      this.zone.networks.put(networkId, network);
      this.zone.record(action, begin, this.zone.clock.now());
    });
  }

  private async remove(action: Action, networkId: string): Promise<void> {
    const held = this.zone.addresses.values().filter((one) => one.networkId === networkId);
    const found = this.zone.networks.has(networkId);
    if (!found) await this.closeAllBut(networkId, new Set());
    if (!found && held.length === 0) return;
    await this.zone.change(action, found ? this.zone.seconds('t_netdel') : 0, () => {
      this.zone.networks.delete(networkId);
      for (const { publicAddress } of held) this.zone.addresses.delete(publicAddress);
    });
    await this.closeAllBut(networkId, new Set());
  }

  /** Leaves exactly the network's listeners open; those that stay are not touched. */
  private async listen(network: GatewayNetwork): Promise<void> {
    const { networkId, balancers } = network;
    const forwarded = network.forwards
      .filter(({ protocol }) => protocol === 'tcp')
      .flatMap(({ publicAddress, publicPort, publicEndPort }) =>
        Array.from({ length: publicEndPort - publicPort + 1 }, (_, i) => ({
          publicAddress,
          publicPort: publicPort + i,
        })),
      );
    const wanted = new Set(
      [...forwarded, ...balancers]
        .filter((one) => letsIn(network, one))
        .map(({ publicAddress, publicPort }) => `${networkId} ${publicAddress} ${publicPort}`),
    );
    await this.closeAllBut(networkId, wanted);
    for (const id of wanted) {
      if (this.listeners.has(id)) continue;
      const [, publicAddress = '', publicPort] = id.split(' ');
      this.listeners.set(id, await this.open(networkId, publicAddress, Number(publicPort)));
    }
  }

  private async open(networkId: string, publicAddress: string, publicPort: number): Promise<Server> {
    const server = createServer((socket) => this.accept(networkId, publicAddress, publicPort, socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(
          new Refusal(`simulated gateway cannot listen on ${publicAddress}:${publicPort}: ${error.message}`, true),
        ),
      );
      server.listen(publicPort, publicAddress, resolve);
    });
    server.on('error', (error) => this.zone.log.error({ err: error }, 'simulated gateway'));
    return server;
  }

  private async closeAllBut(networkId: string, wanted: Set<string>): Promise<void> {
    for (const [id, server] of this.listeners) {
      if (!id.startsWith(`${networkId} `) || wanted.has(id)) continue;
      this.listeners.delete(id);
      server.close();
    }
  }

  /** Looks up the rule for each connection, so a changed rule needs no new listener. */
  private accept(networkId: string, publicAddress: string, publicPort: number, socket: Socket): void {
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const network = this.zone.networks.get(networkId);
    const forward = network?.forwards.find(
      (one) => one.publicAddress === publicAddress && one.publicPort <= publicPort && publicPort <= one.publicEndPort,
    );
    const balancer = network?.balancers.find(
      (one) => one.publicAddress === publicAddress && one.publicPort === publicPort,
    );
    const ssh = forward && forward.port + publicPort - forward.publicPort === 22;
    const domain = ssh ? this.guestAt(network, forward.address) : undefined;
    const cluster = balancer && network && this.clusters.served(network, balancer);
    if (domain) this.shells.accept(domain, socket);
    else if (cluster !== undefined) this.clusters.handle(cluster, socket);
    else socket.destroy();
  }

  /** The machine with that address in one of the tiers. */
  private guestAt(network: GatewayNetwork | undefined, address: string) {
    for (const { networkId } of network?.tiers ?? []) {
      const found = this.guests.at(networkId, address);
      if (found) return found;
    }
    return undefined;
  }
}

/** Whether the firewall, or the tier's ACL, lets anyone in at that TCP port. */
function letsIn(network: GatewayNetwork, at: { publicAddress: string; publicPort: number }): boolean {
  const concerns = ({ protocol, from, to }: { protocol: string; from: number; to: number }) =>
    protocol === 'all' || (protocol === 'tcp' && from <= at.publicPort && at.publicPort <= to);
  const acl = network.tiers.flatMap((tier) => tier.acl ?? []);
  if (network.tiers.every((tier) => tier.acl === null))
    return network.openings.some((one) => one.publicAddress === at.publicAddress && concerns(one));
  // Forwards lead to another port, which is the one that an ACL is about: the simulated gateway lets all of them in.
  const isForward = network.forwards.some(
    (one) => one.publicPort <= at.publicPort && at.publicPort <= one.publicEndPort,
  );
  return isForward || acl.find((rule) => rule.direction === 'in' && concerns(rule))?.action === 'allow';
}

function parse<T>(kind: string, schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Refusal(`${kind}: ${z.prettifyError(parsed.error)}`, false);
  return parsed.data;
}
