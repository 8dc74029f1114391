import { execFileSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { simulatorGateway } from '../../activities/gateway/simulator.js';
import type { Stack } from './stack.js';

/** Of a range for examples (RFC 5737); this machine has them while the network stands. */
export const RANGE = { gateway: '198.51.100.129', netmask: '255.255.255.224', startip: '198.51.100.131', endip: '198.51.100.134' }; // prettier-ignore
export const NODES = [131, 132, 133, 134].map((last) => `198.51.100.${last}`);
export const BALANCER = '198.51.100.140';
const [NAME, NUMBER, WAY_IN, FIRST] = ['operators-network', 4000, '127.61.0.1', 2222];

/**
 * What an operator has whose hosts are on a shared network: machines of the simulated zone answer this machine at their own addresses, and a
 * balancer of the user's in that network leads to those that run an API server.
 */
export async function startOperatorsNetwork(stack: Stack, networkId: string): Promise<{ stop: () => Promise<void> }> {
  const { url } = stack.row<{ url: string }>('SELECT gateway_url AS url FROM data_center');
  const gateway = simulatorGateway(url);
  const address = { publicAddress: WAY_IN };
  await gateway.apply({
    networkId: NAME,
    outside: null,
    tiers: [{ networkId, networkNumber: NUMBER, cidr: '198.51.100.128/27', gateway: RANGE.gateway, bridge: null, peers: [], acl: null }],
    publicAddresses: [WAY_IN],
    openings: [{ ...address, protocol: 'all', from: 0, to: 0, cidr: '0.0.0.0/0' }],
    egress: { policy: 'allow', except: [] },
    forwards: NODES.map((node, i) => ({ ...address, protocol: 'tcp', publicPort: FIRST + i, publicEndPort: FIRST + i, address: node, port: 22 })),
    balancers: [{
      ...address, name: 'theirs', publicPort: 6443, port: 6443, algorithm: 'roundrobin', networkNumber: NUMBER, cidrs: [], check: null,
      members: NODES.map((node) => ({ address: node, draining: false })),
    }],
  }); // prettier-ignore
  for (const each of [...NODES, BALANCER]) ip('replace', each);
  const relays = [
    await Relay.start(BALANCER, 6443, 6443),
    ...(await Promise.all(NODES.map((node, i) => Relay.start(node, 22, FIRST + i)))),
  ];
  return {
    async stop() {
      for (const relay of relays) await relay.stop();
      for (const each of [...NODES, BALANCER]) ip('delete', each);
      await gateway.ensureAbsent(NAME);
    },
  };
}

const ip = (what: string, address: string) => execFileSync('ip', ['address', what, `${address}/32`, 'dev', 'lo']);

/** Connections to an address and port lead to a port of the way in. */
class Relay {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(to: number) {
    this.server = createServer((socket) => {
      const inside = connect(to, WAY_IN);
      for (const [one, other] of [[socket, inside], [inside, socket]] as const) {
        this.sockets.add(one);
        one.on('error', () => undefined).once('close', () => (this.sockets.delete(one), other.destroy()));
        one.pipe(other);
      }
    }); // prettier-ignore
  }

  static async start(address: string, port: number, to: number): Promise<Relay> {
    const relay = new Relay(to);
    await new Promise<void>((resolve, reject) => relay.server.once('error', reject).listen(port, address, resolve));
    return relay;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
