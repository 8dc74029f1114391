import { connect } from 'node:net';
import type { GatewayNetwork } from '../../activities/gateway/driver.js';
import { describeGateway } from './gateway-contract.js';
import { ZoneFixture, aNetwork } from './zone-fixture.js';

const accepts = ({ publicAddresses }: GatewayNetwork, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, publicAddresses[0] ?? '');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

describeGateway('the simulator', async () => {
  const zone = await ZoneFixture.start();
  return {
    gateway: zone.gateway(),
    aNetwork,
    changes: async () => (await zone.effects('gateway')).length,
    isOpen: accepts,
    stop: () => zone.stop(),
  };
});

describe('the simulated gateway', () => {
  let zone: ZoneFixture;
  beforeEach(async () => {
    zone = await ZoneFixture.start();
  });
  afterEach(() => zone.stop());

  it('listens again after a restart', async () => {
    const network = aNetwork(['10.1.1.10']);
    await zone.gateway().apply(network);
    await zone.restart();
    expect(await accepts(network, 2222)).toBe(true);
    expect(await accepts(network, 6443)).toBe(true);
    await zone.gateway().apply(network);
    expect(await zone.effects('gateway.apply')).toHaveLength(1);
  });

  it('has loopback addresses only', async () => {
    for (const address of ['127.0.0.1', '10.0.0.1'])
      await expect(zone.gateway().ensureAddress('n', address)).rejects.toMatchObject({ nonRetryable: true });
  });

  it('shows its rules and their members, and which of them drain', async () => {
    const network = aNetwork(['10.1.1.10', '10.1.1.11'], ['10.1.1.10', '10.1.1.11']);
    const { networkId, publicAddress, balancers } = network;
    const drained = balancers.map((one) => ({
      ...one,
      members: one.members.map((member) => ({ ...member, draining: member.address === '10.1.1.11' })),
    }));
    await zone.gateway().apply({ ...network, balancers: drained });
    expect(await zone.get('/control/world')).toMatchObject({
      networks: [{ networkId, cidr: '10.1.1.0/24', publicAddress }],
      members: [
        { networkId, balancer: 'api-lb', address: '10.1.1.10', draining: false },
        { networkId, balancer: 'api-lb', address: '10.1.1.11', draining: true },
      ],
      addresses: [{ networkId, publicAddress }],
    });
  });

  it('lets a tier in by its ACL, the first rule that matches', async () => {
    const network = aNetwork(['10.1.1.10']);
    const rule = { direction: 'in' as const, protocol: 'tcp' as const, cidr: '0.0.0.0/0' };
    const tiersWith = (first: 'allow' | 'deny') =>
      network.tiers.map((tier) => ({
        ...tier,
        acl: [
          { ...rule, action: first, from: 6443, to: 6443 },
          { ...rule, action: 'allow' as const, from: 1, to: 65535 },
        ],
      }));
    await zone.gateway().apply({ ...network, openings: [], tiers: tiersWith('allow') });
    expect(await accepts(network, 6443)).toBe(true);
    await zone.gateway().apply({ ...network, openings: [], tiers: tiersWith('deny') });
    expect(await accepts(network, 6443)).toBe(false);
  });
});
