import type { Gateway, GatewayNetwork } from '../../activities/gateway/driver.js';

export interface GatewayUnderTest {
  gateway: Gateway;
  /** A network with forwards to these nodes and a balancer over the first; no other has its address, its number or its id. */
  aNetwork: (nodes: string[]) => GatewayNetwork | Promise<GatewayNetwork>;
  /** Number of changes made so far, where the driver can tell; else the text of all that it made. */
  changes: () => Promise<number | string>;
  /** Whether the public TCP port is let in. */
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
      const before = await test.changes();
      await act();
      expect(await test.changes()).toEqual(before);
    };
    const addressOf = ({ publicAddresses }: GatewayNetwork) => publicAddresses[0] ?? '';

    it('changes nothing when the same is applied again, in any order of its rules', async () => {
      const network = await test.aNetwork(['10.1.1.10', '10.1.1.11']);
      await twice(() => test.gateway.ensureAddress(network.networkId, addressOf(network)));
      await twice(() => test.gateway.apply(network));
      const before = await test.changes();
      await test.gateway.apply({ ...network, forwards: [...network.forwards].reverse() });
      expect(await test.changes()).toEqual(before);
      await twice(() => test.gateway.ensureAbsent(network.networkId));
    });

    it('opens what the firewall lets in, and takes away what is not in it any more', async () => {
      const network = await test.aNetwork(['10.1.1.10', '10.1.1.11']);
      await test.gateway.apply(network);
      expect(await test.isOpen(network, 2223)).toBe(true);
      await test.gateway.apply({ ...network, forwards: network.forwards.slice(0, 1) });
      expect(await test.isOpen(network, 2222)).toBe(true);
      expect(await test.isOpen(network, 2223)).toBe(false);
      await test.gateway.apply({ ...network, openings: network.openings.filter(({ from }) => from === 6443) });
      expect(await test.isOpen(network, 2222)).toBe(false);
      await test.gateway.ensureAbsent(network.networkId);
      expect(await test.isOpen(network, 6443)).toBe(false);
    });

    it('knows whether it holds what is asked for', async () => {
      const network = await test.aNetwork(['10.1.1.10']);
      expect(await test.gateway.holds(network)).toBe(false);
      await test.gateway.apply(network);
      expect(await test.gateway.holds({ ...network, openings: [...network.openings].reverse() })).toBe(true);
      expect(await test.gateway.holds({ ...network, forwards: [] })).toBe(false);
      await test.gateway.ensureAbsent(network.networkId);
      expect(await test.gateway.holds(network)).toBe(false);
    });

    it('refuses an address that another network has, for good', async () => {
      const [one, two] = [await test.aNetwork([]), await test.aNetwork([])];
      await test.gateway.ensureAddress(one.networkId, addressOf(one));
      await expect(test.gateway.ensureAddress(two.networkId, addressOf(one))).rejects.toMatchObject({
        nonRetryable: true,
      });
      await test.gateway.ensureAbsent(one.networkId);
      await test.gateway.ensureAddress(two.networkId, addressOf(one));
      await test.gateway.ensureAbsent(two.networkId);
    });

    it('lets go of a further address that a network no longer has', async () => {
      const [one, two] = [await test.aNetwork([]), await test.aNetwork([])];
      const both = [addressOf(one), addressOf(two)];
      await test.gateway.apply({ ...one, publicAddresses: both });
      await expect(test.gateway.ensureAddress(two.networkId, addressOf(two))).rejects.toMatchObject({
        nonRetryable: true,
      });
      await test.gateway.apply(one);
      await test.gateway.ensureAddress(two.networkId, addressOf(two));
      await test.gateway.ensureAbsent(one.networkId);
      await test.gateway.ensureAbsent(two.networkId);
    });
  });
}
