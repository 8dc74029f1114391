import { addNetwork } from '../../db/create-cluster.js';
import { transact } from '../../db/knex.js';
import { lockRoot, queueNetworkChange, settleNetworkChange } from '../../db/network-changes.js';
import { readRestingGateways } from '../../db/resting-gateways.js';
import type { NetworkOfferingRow } from '../../db/rows.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

onEachEngine((engines) => {
  let world: World;
  const ids: Record<string, string> = {};
  const names = async (after = 0, most = 9) =>
    (await readRestingGateways(world.db, world.zone.uuid, after, most)).map(({ name }) => name).join('');
  const change = (name: string, row: object) => world.db('networks').where({ uuid: ids[name] }).update(row);

  beforeAll(async () => {
    world = await makeWorld(engines);
    const offering = (await world.db<NetworkOfferingRow>('network_offerings').orderBy('id').first())!;
    const owner = { accountId: world.accountId, domainId: world.domainId, accountName: 'admin' };
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      ids[name] = await transact(world.db, (trx) => addNetwork(trx, world.zone, offering, name, owner));
  });
  beforeEach(async () => {
    await world.db('operation').update({ active_cluster_id: null });
    await world.db('networks').update({ state: 'Implemented', guest_type: 'Isolated', vpc_id: null, removed: null, data_center_id: world.zone.uuid }); // prettier-ignore
  });

  test('come in turn, some at a time, and none twice at once', async () => {
    const seen: string[] = [];
    let after = 0;
    for (let i = 0; i < 4; i++) {
      const part = await readRestingGateways(world.db, world.zone.uuid, after, 2);
      seen.push(part.map(({ name }) => name).join(''));
      after = part.at(-1)!.id;
    }
    expect(seen).toEqual(['ab', 'cd', 'ea', 'bc']);
  });

  test('where there are few, each comes once at a time', async () => {
    const all = await readRestingGateways(world.db, world.zone.uuid, 0, 9);
    expect(all.map(({ name }) => name).join('')).toBe('abcde');
    expect(await names(all[2]!.id)).toBe('deabc');
  });

  test('what no gateway has, or another zone, is left out', async () => {
    await change('a', { state: 'Allocated' });
    await change('b', { guest_type: 'Shared' });
    await change('c', { removed: '2026-01-01 00:00:00' });
    await change('d', { data_center_id: 'another' });
    expect(await names()).toBe('e');
  });

  test('a VPC comes once, whatever tier the gateway has first', async () => {
    await world.db('vpc').insert({
      uuid: 'v', name: 'V', display_text: 'V', data_center_id: world.zone.uuid, vpc_offering_id: 'o', state: 'Enabled', cidr: '10.0.0.0/8', rules_version: 0,
      account_id: world.accountId, domain_id: world.domainId, created: '2026-01-01 00:00:00',
    }); // prettier-ignore
    for (const name of ['b', 'c', 'e']) await change(name, { vpc_id: 'v' });
    expect(await names()).toBe('aVd');
    await change('b', { state: 'Allocated' });
    expect(await readRestingGateways(world.db, world.zone.uuid, 0, 9)).toMatchObject([{ name: 'a' }, { name: 'V', vpcId: 'v', networkId: ids['c'] }, { name: 'd' }]); // prettier-ignore

    const cluster = await world.addCluster('of-a-tier', { networkId: ids['e']! });
    await world.queue(cluster);
    expect(await names()).toBe('ad');
  });

  test('one is left out while an operation holds a cluster in it', async () => {
    const cluster = await world.addCluster('of-a-network', { networkId: ids['b']! });
    expect(await names()).toBe('abcde');
    const { operationId } = await world.queue(cluster);
    expect(await names()).toBe('acde');
    await world.db('operation').where({ uuid: operationId }).update({ active_cluster_id: null });
    expect(await names()).toBe('abcde');
  });

  test('one is left out while a change of its rules is on its way', async () => {
    const by = { accountId: world.accountId, userId: 'someone' };
    const { jobId } = await transact(world.db, async (trx) => {
      const root = await lockRoot(trx, { networkId: ids['b']! });
      return queueNetworkChange(trx, root, { kind: 'createFirewallRule', objectId: 'rule', name: 'rule', by });
    });
    expect(await names()).toBe('acde');
    await settleNetworkChange(world.db, jobId, { ok: true });
    expect(await names()).toBe('abcde');
  });
});
