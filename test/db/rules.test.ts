import type { Knex } from 'knex';
import { addRule, dropRulesOfMachine, lockRulePlace, type NewRule } from '../../db/add-rule.js';
import { addNetwork } from '../../db/create-cluster.js';
import { now, transact } from '../../db/knex.js';
import { migrate, statementsOf } from '../../db/migrate.js';
import { clusters } from '../../db/migrations/0001-clusters.js';
import { lockRoot, queueNetworkChange, settleNetworkChange } from '../../db/network-changes.js';
import { takePublicAddress } from '../../db/public-addresses.js';
import { readGatewayFacts, readRulesVersion } from '../../db/rules.js';
import type { NetworkOfferingRow, PublicAddressRow } from '../../db/rows.js';
import { onEachEngine } from './engines.js';
import { makeWorld, refusal, type World } from './world.js';

const OLD_RULE = {
  purpose: 'Firewall', network_id: 'n', ip_address_id: 'i', protocol: 'tcp', end_port: 80, private_port: null, vm_id: null, name: null,
}; // prettier-ignore

onEachEngine((engines) => {
  let world: World;
  let db: Knex;
  beforeAll(async () => {
    world = await makeWorld(engines);
    db = world.db;
  });

  const by = () => ({ accountId: world.accountId, userId: 'someone' });
  const newNetwork = async (name: string): Promise<string> => {
    const offering = (await db<NetworkOfferingRow>('network_offerings').orderBy('id').first())!;
    return transact(db, (trx) =>
      addNetwork(trx, world.zone, offering, name, { accountId: world.accountId, domainId: world.domainId, accountName: 'admin' }),
    ); // prettier-ignore
  };
  const newAddress = (networkId: string): Promise<PublicAddressRow> =>
    transact(db, async (trx) => takePublicAddress(trx, await lockRoot(trx, { networkId })));
  const rule = (more: Partial<NewRule> = {}): NewRule => ({
    purpose: 'PortForwarding',
    protocol: 'tcp',
    ports: { from: 80, to: 80 },
    cidrs: null,
    ...more,
  });
  const add = (addressId: string, wanted: NewRule) =>
    transact(db, async (trx) => addRule(trx, await lockRulePlace(trx, addressId, undefined), wanted));
  const outcomeOf = (made: Promise<string>): Promise<string> =>
    made.then(
      () => 'made',
      (error: Error & { type?: string }) => error.type ?? error.message,
    );

  describe('the migration', () => {
    test('keeps the rules that are there, and lets one port have tcp and udp from then on', async () => {
      const old = engines.open(await engines.emptyUrl());
      for (const [table, text] of Object.entries(clusters.tables))
        for (const statement of statementsOf(engines.engine, table, text)) await old.raw(statement);
      if (engines.engine === 'sqlite')
        await old.raw('CREATE TABLE schema_migration (name VARCHAR(191) NOT NULL PRIMARY KEY)');
      const insert = (more: object) => old('firewall_rules').insert({ ...OLD_RULE, created: now(old), ...more });
      await insert({ uuid: 'a', start_port: 80 });
      expect(await refusal(insert({ uuid: 'b', start_port: 80, protocol: 'udp' }))).toMatch(/unique|duplicate/i);
      await migrate(old);
      expect(await old('firewall_rules').where({ uuid: 'a' }).first<object>()).toMatchObject({
        id: 1, start_port: 80, protocol: 'tcp', user_made: 0, state: 'Active', slot: '', cidr_list: null,
      }); // prettier-ignore
      await insert({ uuid: 'b', start_port: 80, protocol: 'udp' });
      expect(await refusal(insert({ uuid: 'c', start_port: 80 }))).toMatch(/unique|duplicate/i);
      await insert({ uuid: 'd', start_port: 80, slot: 'other sources' });
      expect((await old('firewall_rules').orderBy('id').pluck<number[]>('id')).at(-1)).toBeGreaterThan(2);
      await migrate(old);
      expect(await old('firewall_rules').pluck('uuid')).toHaveLength(3);
    });
  });

  test('of eight that want one port at once, one gets it', async () => {
    const address = await newAddress(await newNetwork('race'));
    const ends = await Promise.all(Array.from({ length: 8 }, () => outcomeOf(add(address.uuid, rule()))));
    expect(ends.sort()).toEqual([...Array<string>(7).fill('NetworkRuleConflict'), 'made']);
  });

  test('overlapping ranges of forwards and balancers conflict, other protocols and addresses do not', async () => {
    const networkId = await newNetwork('overlap');
    const [address, second] = [await newAddress(networkId), await newAddress(networkId)];
    const wide = rule({ ports: { from: 100, to: 200 } });
    expect(await outcomeOf(add(address.uuid, wide))).toBe('made');
    const inside = rule({ purpose: 'LoadBalancing', ports: { from: 150, to: 150 } });
    expect(await outcomeOf(add(address.uuid, inside))).toBe('NetworkRuleConflict');
    expect(await outcomeOf(add(address.uuid, { ...inside, protocol: 'udp' }))).toBe('made');
    expect(await outcomeOf(add(second.uuid, inside))).toBe('made');
    expect(await outcomeOf(add(address.uuid, rule({ purpose: 'Firewall', ports: { from: 150, to: 150 } })))).toBe(
      'made',
    );
  });

  test('addresses that several networks want at once go to one each; the first of a network is its source NAT', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, (_, i) => newNetwork(`wants-${i}`)));
    const taken = await Promise.all(ids.flatMap((id) => [newAddress(id), newAddress(id)]));
    expect(new Set(taken.map(({ uuid }) => uuid)).size).toBe(10);
    for (const id of ids) {
      const own = await db<PublicAddressRow>('user_ip_address').where({ network_id: id });
      expect(own.map(({ source_nat }) => source_nat).sort()).toEqual([0, 1]);
    }
  });

  test('a change of an Implemented network waits for its gateway, and is settled once', async () => {
    const networkId = await newNetwork('live');
    const address = await newAddress(networkId);
    await db('networks').where({ uuid: networkId }).update({ state: 'Implemented' });
    const queued = await transact(db, async (trx) => {
      const place = await lockRulePlace(trx, address.uuid, undefined);
      const objectId = await addRule(trx, place, rule());
      return queueNetworkChange(trx, place.root, { kind: 'createPortForwardingRule', objectId, name: 'x', by: by() });
    });
    expect(queued.run).toEqual({ jobId: queued.jobId, networkId, vpcId: null });
    const states = () => db('firewall_rules').where({ uuid: queued.objectId }).pluck<string[]>('state');
    expect(await states()).toEqual(['Add']);
    await Promise.all([
      settleNetworkChange(db, queued.jobId, { ok: true }),
      settleNetworkChange(db, queued.jobId, { ok: true }),
    ]);
    await settleNetworkChange(db, queued.jobId, { ok: false, reason: 'too late' });
    expect(await states()).toEqual(['Active']);
    expect(await db('async_job').where({ uuid: queued.jobId }).first('job_status', 'job_result')).toEqual({
      job_status: 1,
      job_result: JSON.stringify({ object: 'portforwardingrule', id: queued.objectId }),
    });
    const events = await db('event').where({ resource_id: queued.objectId }).orderBy('id').pluck<string[]>('state');
    expect(events).toEqual(['Scheduled', 'Completed']);
  });

  test('what a gateway is told leaves out what goes, and machines that are gone', async () => {
    const cluster = await world.addCluster('facts');
    const networkId = cluster.network_id!;
    const address = await newAddress(networkId);
    const vm = { uuid: 'facts-vm', name: 'vm', instance_name: 'facts-vm', display_name: 'vm', data_center_id: world.zone.uuid, host_id: null, service_offering_id: world.offeringId, template_id: 't',
      account_id: world.accountId, domain_id: world.domainId, user_id: 'u', state: 'Running', vm_type: 'User', hypervisor_type: 'x', network_id: networkId, ip_address: '10.1.1.9', mac_address: '',
      root_disk_gb: 8, created: now(db) }; // prettier-ignore
    await db('vm_instance').insert(vm);
    const id = await add(address.uuid, rule({ vmId: vm.uuid, privatePorts: { from: 8080, to: 8080 } }));
    const going = await add(address.uuid, rule({ ports: { from: 81, to: 81 }, vmId: vm.uuid }));
    await db('firewall_rules').where({ uuid: going }).update({ state: 'Revoke' });
    const facts = (await readGatewayFacts(db, { networkId }))!;
    expect(facts).toMatchObject({ id: networkId, vpc: null, networks: [{ egress_default_policy: 1 }] });
    expect(facts.rules.map((each) => [each.uuid, each.target])).toEqual([[id, '10.1.1.9']]);
    await db('vm_instance')
      .where({ uuid: vm.uuid })
      .update({ removed: now(db) });
    expect((await readGatewayFacts(db, { networkId }))!.rules[0]!.target).toBeNull();
    await transact(db, (trx) => dropRulesOfMachine(trx, vm.uuid));
    expect((await readGatewayFacts(db, { networkId }))!.rules).toEqual([]);
    expect(await readRulesVersion(db, facts)).toBe(facts.version);
    await add(address.uuid, rule({ ports: { from: 82, to: 82 } }));
    expect(await readRulesVersion(db, facts)).toBe(facts.version + 1);
  });

  test('ports of a cluster that has no rules yet are kept for it', async () => {
    const cluster = await world.addCluster('early', { workers: 3 });
    const address = await newAddress(cluster.network_id!);
    const at = (port: number, purpose: NewRule['purpose'] = 'PortForwarding') =>
      outcomeOf(add(address.uuid, rule({ purpose, ports: { from: port, to: port } })));
    expect(await at(6443)).toBe('NetworkRuleConflict');
    expect(await at(2225, 'Firewall')).toBe('NetworkRuleConflict');
    expect(await at(2226)).toBe('made');
    const second = await newAddress(cluster.network_id!);
    expect(await outcomeOf(add(second.uuid, rule({ ports: { from: 6443, to: 6443 } })))).toBe('made');
  });
});
