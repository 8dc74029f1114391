import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import type { GatewayNetwork } from '../../activities/gateway/driver.js';
import { forcedCommand, type Program } from '../../activities/gateway/forced-command.js';
import { sshGateway } from '../../activities/gateway/ssh.js';
import { GatewayHost, hostKey } from '../../lab/network/gateway-host.js';
import { describeGateway } from './gateway-contract.js';
import { networkAt } from './zone-fixture.js';

const stranger = newSshKeyPair();

let networks = 0;

/** A network with machines on the gateway host's own bridge. */
async function aNetwork({ zone }: GatewayHost, nodes: string[]): Promise<GatewayNetwork> {
  const number = 100 + networks++;
  const network = networkAt(`203.0.113.${number}`, nodes);
  await zone.fabric('gw', 'ensure', String(number));
  for (const [i, address] of nodes.entries())
    await zone.addMachine(`m${number}-${i}`, 'gw', `cks${number}`, address, { name: 'a node', ports: [22, 6443] });
  return {
    ...network,
    networkId: `${zone.mark}-${number}`,
    outside: { bridge: 'public', prefix: 24, gateway: '203.0.113.1' },
    tiers: network.tiers.map((tier) => ({ ...tier, networkNumber: number })),
    balancers: network.balancers.map((one) => ({ ...one, networkNumber: number })),
  };
}

/** What is there, with the kernel's own numbers of rules, links and processes: all of it changes when something is made anew. */
async function changes({ zone }: GatewayHost): Promise<string> {
  const list = await zone.in('gw', ['ip', 'netns', 'list']);
  const spaces = list.split('\n').flatMap((line) => line.split(' ')[0] ?? []).filter((name) => name.startsWith(`cks-${zone.mark}`)); // prettier-ignore
  // How links are is left out: the kernel goes on settling them for a second.
  const parts = [(await zone.in('gw', ['ip', '-o', 'link'])).replace(/<[^>]*>|(state|qdisc|ether) \S+/g, '')];
  for (const space of spaces.sort()) {
    parts.push(space, await zone.in('gw', ['ip', 'netns', 'pids', space]));
    parts.push((await zone.tryIn('gw', ['nsenter', `--net=/run/netns/${space}`, 'nft', '-a', 'list', 'ruleset'])).stdout); // prettier-ignore
  }
  return parts.join('\n');
}

describeGateway('cks-gateway over SSH', async () => {
  const host = await GatewayHost.start();
  return {
    gateway: sshGateway(host.program()),
    aNetwork: (nodes) => aNetwork(host, nodes),
    changes: () => changes(host),
    isOpen: async ({ publicAddresses }, port) =>
      (await host.zone.ask('out', `http://${publicAddresses[0]}:${port}/`)) !== undefined,
    stop: () => Promise.resolve(host.stop()),
  };
});

describe('the gateway host over SSH', () => {
  let host: GatewayHost;
  beforeAll(async () => {
    host = await GatewayHost.start();
  });
  afterAll(() => host?.stop());

  it('is refused with its name when it shows another host key than the one that is pinned', async () => {
    const known = stranger.public;
    await expect(sshGateway(host.program(known)).ensureAddress('n', '203.0.113.9')).rejects.toMatchObject({
      type: 'HostIdentity',
      nonRetryable: true,
      message: expect.stringContaining('the gateway'),
    });
  });

  it('lets nobody in with another key, and gives no shell to the one that it knows', async () => {
    await expect(sshGateway(host.program(hostKey.public, stranger.private)).ensureAbsent('n')).rejects.toMatchObject({
      type: 'HostUnreachable',
    });
    await expect(forcedCommand(host.program())(['id'])).rejects.toMatchObject({
      type: 'HypervisorRefused',
      message: expect.stringContaining('usage: cks-gateway'),
    });
    await expect(forcedCommand(host.program())(['list;id'])).rejects.toMatchObject({ type: 'HypervisorRefused' });
  });

  it('says what a failure is that may pass', async () => {
    const network = await aNetwork(host, []);
    const outside = { bridge: 'nowhere', prefix: 24, gateway: '203.0.113.1' };
    await expect(sshGateway(host.program()).apply({ ...network, outside })).rejects.toMatchObject({
      type: 'GatewayFailed',
      nonRetryable: false,
      message: expect.stringContaining('there is no bridge nowhere on this host'),
    });
  });

  it('does not answer when it is down', async () => {
    const down = async (): Promise<Program> => {
      const { target, failed } = await host.program()();
      return { failed, target: { ...target, port: 1 } };
    };
    await expect(sshGateway(down).ensureAbsent('n')).rejects.toMatchObject({ type: 'HostUnreachable' });
  });
});
