import type { Gateway, GatewayNetwork } from '../../activities/gateway/driver.js';
import { aNetwork } from './zone-fixture.js';

export interface GatewayUnderTest {
  gateway: Gateway;
  /** Number of changes made so far, where the driver can tell. */
  changes?: () => Promise<number>;
  /** Whether the public port is let in. */
  isOpen: (network: GatewayNetwork, publicPort: number) => Promise<boolean>;
  stop(): Promise<void>;
}

/** What every gateway driver promises; run it for each driver. */
export function describeGateway(name: string, make: () => Promise<GatewayUnderTest>): void {
  describe(`${name} keeps the gateway contract`, () => {
    let test: GatewayUnderTest;
    beforeAll(async () => {
      test = await make();
    });
    afterAll(() => test.stop());

    const twice = async (act: () => Promise<void>) => {
      await act();
      const before = await test.changes?.();
      await act();
      expect(await test.changes?.()).toBe(before);
    };

    it('changes nothing when the same is applied again, in any order of its rules', async () => {
      const network = aNetwork(['10.1.1.10', '10.1.1.11']);
      await twice(() => test.gateway.ensureAddress(network.networkId, network.publicAddress));
      await twice(() => test.gateway.apply(network));
      const before = await test.changes?.();
      await test.gateway.apply({ ...network, forwards: [...network.forwards].reverse() });
      expect(await test.changes?.()).toBe(before);
      await twice(() => test.gateway.ensureAbsent(network.networkId));
    });

    it('opens what the firewall lets in, and takes away what is not in it any more', async () => {
      const network = aNetwork(['10.1.1.10', '10.1.1.11']);
      await test.gateway.apply(network);
      expect(await test.isOpen(network, 2223)).toBe(true);
      await test.gateway.apply({ ...network, forwards: network.forwards.slice(0, 1) });
      expect(await test.isOpen(network, 2222)).toBe(true);
      expect(await test.isOpen(network, 2223)).toBe(false);
      await test.gateway.apply({ ...network, open: [{ from: 6443, to: 6443 }] });
      expect(await test.isOpen(network, 2222)).toBe(false);
      await test.gateway.ensureAbsent(network.networkId);
      expect(await test.isOpen(network, 6443)).toBe(false);
    });

    it('refuses an address that another network has, for good', async () => {
      const [one, two] = [aNetwork([]), aNetwork([])];
      await test.gateway.ensureAddress(one.networkId, one.publicAddress);
      await expect(test.gateway.ensureAddress(two.networkId, one.publicAddress)).rejects.toMatchObject({
        nonRetryable: true,
      });
      await test.gateway.ensureAbsent(one.networkId);
      await test.gateway.ensureAddress(two.networkId, one.publicAddress);
      await test.gateway.ensureAbsent(two.networkId);
    });
  });
}
