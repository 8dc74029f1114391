import { toDocument } from '../../activities/gateway/document.js';
import type { Balancer, Forward, GatewayNetwork, Opening, Tier } from '../../activities/gateway/driver.js';
import type { Underlay } from '../../lab/network/underlay.js';

/** What the tests with packets say of a network, and how they look at it. */
export const PEERS = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
export const ANY = '0.0.0.0/0';
export const tcp = { protocol: 'tcp' as const };

export const open = (publicAddress: string, from: number, to = from, cidr = ANY): Opening => ({
  publicAddress,
  ...tcp,
  from,
  to,
  cidr,
});
export const forward = (publicAddress: string, publicPort: number, address: string, port: number): Forward => ({
  publicAddress,
  ...tcp,
  publicPort,
  publicEndPort: publicPort,
  address,
  port,
});
export const balancer = (publicAddress: string, networkNumber: number, members: string[], ca?: string, drained: string[] = []): Balancer => ({
  publicAddress, name: 'api-lb', publicPort: 6443, port: 6443, algorithm: 'roundrobin', networkNumber, cidrs: [], check: ca === undefined ? null : { ca },
  members: members.map((address) => ({ address, draining: drained.includes(address) })),
}); // prettier-ignore

/** An isolated network of a vxlan zone, 10.1.1.0/24, unless `tier` and `change` say otherwise. */
export function aNetwork(
  { mark }: Underlay,
  name: string,
  number: number,
  publicAddress: string,
  change: Partial<GatewayNetwork> = {},
  tier: Partial<Tier> = {},
): GatewayNetwork {
  const networkId = `${mark}-${name}`;
  return {
    networkId,
    outside: { bridge: 'public', prefix: 24, gateway: '203.0.113.1' },
    tiers: [{ networkId, networkNumber: number, cidr: '10.1.1.0/24', gateway: '10.1.1.1', bridge: null, peers: PEERS, acl: null, ...tier }],
    publicAddresses: [publicAddress],
    openings: [],
    egress: { policy: 'allow', except: [] },
    forwards: [],
    balancers: [],
    ...change,
  }; // prettier-ignore
}

export async function apply(zone: Underlay, network: GatewayNetwork): Promise<void> {
  const { code, stderr } = await zone.gateway(['apply', network.networkId], toDocument(network));
  if (code !== 0) throw new Error(`apply ended with ${code}: ${stderr}`);
}

/** Who answers at the balancer, asked so many times one after the other. */
export async function served(zone: Underlay, address: string, times: number, from = 'out'): Promise<Set<string | undefined>> {
  const answers = new Set<string | undefined>();
  for (let i = 0; i < times; i++) answers.add(await zone.ask(from, `https://${address}:6443/`));
  return answers;
} // prettier-ignore

/** Seconds until it is so. */
export async function until(what: string, seconds: number, is: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await is()))
    if (performance.now() - began > seconds * 1000) throw new Error(`${what}: not after ${seconds} s`);
  return (performance.now() - began) / 1000;
}

/** Rules with their counters, processes and links: what the same network applied again must not touch. */
export async function wholeState(zone: Underlay, { networkId }: GatewayNetwork): Promise<string[]> {
  const rules = await zone.in('gw', ['nsenter', `--net=/run/netns/cks-${networkId}`, 'nft', '-a', 'list', 'ruleset']); // prettier-ignore
  const processes = await zone.in('gw', ['ip', 'netns', 'pids', `cks-${networkId}`]);
  const links = (await zone.in('gw', ['ip', '-o', 'link'])).replace(/<[^>]*>|(state|qdisc|ether) \S+/g, '');
  return [rules, processes, links];
}

/** What a boot takes away on the gateway host: processes, the namespace, the links of the network. */
export async function shutDown(
  zone: Underlay,
  { networkId }: Pick<GatewayNetwork, 'networkId'>,
  ...links: string[]
): Promise<void> {
  const pids = (await zone.in('gw', ['ip', 'netns', 'pids', `cks-${networkId}`])).split('\n');
  for (const pid of pids.filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
  await zone.in('gw', ['ip', 'netns', 'del', `cks-${networkId}`]);
  for (const link of links) await zone.in('gw', ['ip', 'link', 'del', link]);
}
