import { MockActivityEnvironment } from '@temporalio/testing';
import { driversFor } from '../../activities/drivers.js';
import type { Gateway, GatewayNetwork } from '../../activities/gateway/driver.js';
import type { Hypervisor } from '../../activities/hypervisor/driver.js';
import { guarded } from '../../activities/step.js';
import type { HostRow, VmRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { Engines } from '../db/engines.js';
import { makeWorld, reserveAll, type World } from '../db/world.js';
import { aMachine, IMAGES, networkAt, someFile, ZoneFixture, type Machine } from './zone-fixture.js';

/** What a worker does that is stopped right after its look at the operation's row, and goes on when the operation has ended. */
const lateCalls: Record<string, (host: Hypervisor, gateway: Gateway, parts: Parts) => Promise<void>> = {
  ensureNetwork: (host, _, { machine }) => host.ensureNetwork(machine.spec),
  ensureVolume: (host, _, { machine }) => host.ensureVolume(machine.volume),
  ensureSeed: (host, _, { machine }) => host.ensureSeed(machine.seed),
  ensureDefined: (host, _, { machine }) => host.ensureDefined(machine.spec),
  ensureAddress: (_, gateway, { network }) => gateway.ensureAddress(network.networkId, network.publicAddresses[0]!),
  apply: (_, gateway, { network }) => gateway.apply(network),
};
interface Parts {
  machine: Machine;
  network: GatewayNetwork;
}

describe('a worker that was stopped between its look at the operation and a call', () => {
  const engines = new Engines('sqlite');
  let zone: ZoneFixture;
  let world: World;
  beforeAll(async () => {
    zone = await ZoneFixture.start();
    world = await makeWorld(engines);
  });
  afterAll(async () => {
    await zone.stop();
    await engines.stop();
  });
  const exists = async () => {
    const { cache: _, ...all } = await zone.get<Record<string, unknown[]>>('/control/world');
    return Object.values(all).flat().length;
  };

  /** A machine of a cluster, with what it needs on its host before the call; the rest is made by nobody. */
  async function parts(call: string): Promise<Parts> {
    const { uuid, network_id } = await world.addCluster(call.toLowerCase());
    await reserveAll(world.db, uuid);
    const vm = (await world.db<VmRow>('vm_instance').where({ network_id: network_id! }).first())!;
    const machine = aMachine({ machineId: vm.uuid, networkId: network_id! });
    const host = zone.host();
    for (const image of IMAGES) await host.ensureImage(image, someFile);
    const index = Object.keys(lateCalls).indexOf(call);
    const network = { ...networkAt(`127.198.7.${20 + index}`, []), networkId: network_id! };
    const tiers = network.tiers.map((tier) => ({ ...tier, networkId: network_id! }));
    if (call === 'ensureDefined') {
      await host.ensureNetwork(machine.spec);
      await host.ensureVolume(machine.volume);
      await host.ensureSeed(machine.seed);
    }
    return { machine, network: { ...network, tiers } };
  }

  async function callLate(call: string, made: Parts): Promise<void> {
    const drivers = driversFor(world);
    const row = (await world.db<HostRow>('host').first())!;
    const host = drivers.openHypervisor({ ...row, url: zone.at('host-1') });
    const gateway = drivers.openGateway({ ...world.zone, gateway_url: zone.at('gateway') });
    let looks = 0;
    // The first is the activity's own, the second the call's.
    const holds = () => (++looks > 2 ? Promise.reject(fault('NotHolder', 'cut off')) : Promise.resolve());
    await expect(
      new MockActivityEnvironment().run(() => guarded(holds, () => lateCalls[call]!(host, gateway, made))),
    ).rejects.toThrow('cut off');
    await drivers.close();
  }

  it.each(Object.keys(lateCalls))(
    'takes away what %s made, and only where its machine or network is gone',
    async (call) => {
      const made = await parts(call);
      const before = await exists();
      // Another attempt of the operation may hold them by now.
      await callLate(call, made);
      expect(await exists()).toBeGreaterThan(before);
      const { machineId, networkId } = made.machine.spec;
      await world.db('vm_instance').where({ uuid: machineId }).update({ state: 'Expunging' });
      await world.db('networks').where({ uuid: networkId }).update({ removed: '2026-01-01 00:00:00.000' });
      await callLate(call, made);
      expect(await exists()).toBe(call === 'ensureDefined' ? before - 2 : before);
    },
  );
});
