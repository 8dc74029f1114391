/**
 * A gateway with 1,000 forwards: the 1,001st, from its row to the first packet that is answered, ÷ the first one. The real programs over real
 * SSH, on a gateway host that is a network namespace: run as root.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { gatewayActivities } from '../activities/gateway/index.js';
import { sshGateway } from '../activities/gateway/ssh.js';
import { addCluster, addNetwork } from '../db/create-cluster.js';
import { DEFAULT_ZONE, seedDefaults } from '../db/defaults.js';
import { connect, now, transact } from '../db/knex.js';
import { migrate } from '../db/migrate.js';
import { queueOperation } from '../db/operations.js';
import { reserveNodes } from '../db/reserve.js';
import type { NetworkOfferingRow, NetworkRow, PublicAddressRow, VmRow, ZoneRow } from '../db/rows.js';
import { Sealer, Secret } from '../db/secret.js';
import { GatewayHost } from '../lab/network/gateway-host.js';
import { DEFAULT_SETTINGS } from '../workflows/model/settings.js';
import { report } from './results.js';

const ROUNDS = 5;
const MANY = 1000;
const LIMIT = 2;
const FIRST_PORT = 10_000;
const PUBLIC = '203.0.113.10';

/** A cluster of one node in a zone whose public addresses are those of the lab. Returns what its forwards are made of. */
async function makeCluster(db: Knex) {
  const sealer = new Sealer(new Secret('a key for a measurement only'));
  await migrate(db);
  await seedDefaults(db, sealer, { simulatorPort: 1 });
  const zone = (await db<ZoneRow>('data_center').where({ uuid: DEFAULT_ZONE }).first())!;
  const account = await db('account').where({ account_name: 'admin' }).first<{ uuid: string; domain_id: string }>();
  const one = async (table: string, where: object = {}) =>
    (await db(table).where(where).first<{ uuid: string }>()).uuid;
  const vlan = randomUUID();
  await db('vlan').insert({ uuid: vlan, data_center_id: zone.uuid, vlan_id: 'untagged', start_ip: PUBLIC, end_ip: PUBLIC, vlan_gateway: '203.0.113.1', vlan_netmask: '255.255.255.0', created: now(db) }); // prettier-ignore
  await db('user_ip_address').delete();
  await db('user_ip_address').insert({ uuid: randomUUID(), public_ip_address: PUBLIC, data_center_id: zone.uuid, state: 'Free', source_nat: 0, vlan_id: vlan }); // prettier-ignore
  await db('data_center').where({ uuid: zone.uuid }).update({ public_bridge: 'public' });
  const owner = { accountId: account.uuid, domainId: account.domain_id };
  const ids = { zoneId: zone.uuid, versionId: await one('kubernetes_supported_version'), offeringId: await one('service_offering', { name: 'small' }), templateId: await one('vm_template', { kind: 'TEMPLATE' }) }; // prettier-ignore
  const offering = (await db<NetworkOfferingRow>('network_offerings').orderBy('id').first())!;
  const cluster = await transact(db, async (trx) =>
    addCluster(trx, {
      ...owner,
      ...ids,
      name: 'bench',
      description: 'bench',
      networkId: await addNetwork(trx, zone, offering, 'bench-network', { ...owner, accountName: 'admin' }),
      networkOwned: true,
      controlOfferingId: undefined,
      workerOfferingId: undefined,
      etcdOfferingId: undefined,
      controlNodes: 1,
      workers: 0,
      etcdNodes: 0,
      keypair: undefined,
      rootDiskGb: 8,
      clusterType: 'CloudManaged',
      state: 'Created',
      cores: 2,
      memoryMb: 2048,
      enableCsi: false,
    }),
  );
  const caller = { accountId: account.uuid, userId: 'bench' };
  const { operationId } = await transact(db, (trx) =>
    queueOperation(trx, {
      kind: 'create',
      cluster,
      caller,
      settings: DEFAULT_SETTINGS,
      command: 'createKubernetesCluster',
    }),
  );
  await reserveNodes(db, {
    clusterId: cluster.uuid,
    userId: 'bench',
    rootId: operationId,
    wanted: [{ role: 'control', index: 1 }],
  });
  const network = (await db<NetworkRow>('networks').where({ uuid: cluster.network_id! }).first())!;
  return { ref: { operationId, clusterId: cluster.uuid, line: 1, undo: false }, network };
}

const folder = mkdtempSync(join(tmpdir(), 'cks-bench-'));
const db = connect(`sqlite:${join(folder, 'cks.db')}`);
const host = await GatewayHost.start();
const seconds: Record<'first' | 'last', number[]> = { first: [], last: [] };
try {
  const { ref, network } = await makeCluster(db);
  const act = gatewayActivities({ db, openGateway: () => sshGateway(host.program()) });
  await act.ensureAddress(ref);
  await act.apply(ref);
  const machine = (await db<VmRow>('vm_instance').where({ network_id: network.uuid }).first())!;
  const address = (await db<PublicAddressRow>('user_ip_address').where({ network_id: network.uuid }).first())!;
  await host.zone.addMachine('node', 'gw', `cks${network.network_number}`, machine.ip_address!, {
    name: 'node',
    ports: [22],
  });
  const row = (purpose: string, from: number, to: number) => ({ uuid: randomUUID(), purpose, network_id: network.uuid, ip_address_id: address.uuid, protocol: 'tcp', start_port: from, end_port: to, created: now(db), user_made: 1 }); // prettier-ignore
  const forward = (port: number) => ({ ...row('PortForwarding', port, port), private_port: 22, vm_id: machine.uuid });
  await db('firewall_rules').insert(row('Firewall', FIRST_PORT, FIRST_PORT + MANY));
  await act.apply(ref);

  const fromRowToPacket = async (port: number): Promise<number> => {
    const began = performance.now();
    await db('firewall_rules').insert(forward(port));
    await act.apply(ref);
    if ((await host.zone.ask('out', `http://${PUBLIC}:${port}/`)) !== 'node')
      throw new Error(`port ${port} does not answer`);
    const took = (performance.now() - began) / 1000;
    await db('firewall_rules').where({ purpose: 'PortForwarding', start_port: port }).delete();
    await act.apply(ref);
    return took;
  };
  for (let i = 0; i < ROUNDS; i++) seconds.first.push(await fromRowToPacket(FIRST_PORT + MANY));
  for (let port = FIRST_PORT; port < FIRST_PORT + MANY; port++) await db('firewall_rules').insert(forward(port));
  await act.apply(ref);
  for (let i = 0; i < ROUNDS; i++) seconds.last.push(await fromRowToPacket(FIRST_PORT + MANY));
} finally {
  host.stop();
  await db.destroy();
  rmSync(folder, { recursive: true, force: true });
}

const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
const shown = (list: number[]) => `${median(list).toFixed(2)} s median, ${list.map((one) => one.toFixed(2)).join(' ')}`;
const ratio = median(seconds.last) / median(seconds.first);
report('gateway', 'node dist/bench/gateway.js', [
  'from row to packet, over SSH, namespaces as hosts',
  `first forward:     ${shown(seconds.first)}`,
  `1,001st forward:   ${shown(seconds.last)}`,
  `ratio:             ${ratio.toFixed(2)} (limit ${LIMIT})`,
]);
process.exit(ratio > LIMIT ? 1 : 0);
