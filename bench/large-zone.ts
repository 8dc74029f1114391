import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { renderGateway } from '../activities/gateway/render.js';
import { simulatorGateway } from '../activities/gateway/simulator.js';
import { DEFAULT_ZONE } from '../db/defaults.js';
import { now, nowPlus, transact } from '../db/knex.js';
import { readGatewayFacts } from '../db/rules.js';
import { gatewayOf, macOf, netmaskOf, toAddress, toNumber } from '../workflows/model/addresses.js';
import type { Service } from './service.js';

const HOSTS = 200;
const BATCH = 500;
const ROWS = 50;
/** Appliers of gateway rules at the same time. */
const WIDTH = 20;

interface Common {
  zoneId: string;
  versionId: string;
  offeringId: string;
  templateId: string;
  networkOfferingId: string;
  accountId: string;
  userId: string;
  domainId: string;
}

/** Makes 200 hosts, without machines, in the simulated zone. Returns their ids. */
export async function seedHosts(db: Knex, service: Service): Promise<string[]> {
  const rows = Array.from({ length: HOSTS }, (_, i) => ({
    uuid: randomUUID(), name: `large-${i + 1}`, url: `simulator://127.0.0.1:${service.ports['SIMULATOR_PORT']}/large-${i + 1}`, data_center_id: DEFAULT_ZONE,
    hypervisor_type: 'Simulator', status: 'Up', resource_state: 'Disabled', arch: 'x86_64', cpus: 4096, ram_mb: 4_194_304, cpus_used: 0, ram_mb_used: 0, tags: null,
    created: now(db),
  })); // prettier-ignore
  await db.batchInsert('host', rows, ROWS);
  return rows.map(({ uuid }) => uuid);
}

/**
 * Leaves so many Running clusters of 1+1 in the zone that nothing has to be done for: rows, domains, and rules on the gateway. Their forwards
 * are not let in, so that nothing listens for them; their API servers, which do not exist, were asked in the future.
 */
export async function seedClusters(
  db: Knex,
  service: Service,
  hostIds: readonly string[],
  count: number,
): Promise<void> {
  const common = await readCommon(db);
  const first = Number((await db('networks').max<{ last: number | null }[]>({ last: 'network_number' }))[0]?.last ?? 0);
  for (let done = 0; done < count; done += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => first + done + i + 1);
    await seedBatch(db, service, hostIds, common, numbers);
  }
}

async function readCommon(db: Knex): Promise<Common> {
  const id = async (table: string, where: object) => {
    const row = await db(table).where(where).orderBy('id').first<{ uuid: string } | undefined>('uuid');
    if (!row) throw new Error(`there is no ${table}`);
    return row.uuid;
  };
  const account = await db('account').orderBy('id').first<{ uuid: string; domain_id: string }>('uuid', 'domain_id');
  return {
    zoneId: DEFAULT_ZONE,
    versionId: await id('kubernetes_supported_version', { semantic_version: '1.34.2' }),
    offeringId: await id('service_offering', { name: 'small' }),
    templateId: await id('vm_template', { kind: 'TEMPLATE' }),
    networkOfferingId: await id('network_offerings', { guest_type: 'Isolated', for_vpc: 0 }),
    accountId: account.uuid,
    userId: await id('user', {}),
    domainId: account.domain_id,
  };
}

interface Machine {
  host: string;
  uuid: string;
  clusterId: string;
  networkId: string;
  number: number;
  address: string;
  name: string;
}

async function seedBatch(
  db: Knex,
  service: Service,
  hostIds: readonly string[],
  common: Common,
  numbers: number[],
): Promise<void> {
  const { zoneId, accountId, domainId } = common;
  const owned = { account_id: accountId, domain_id: domainId, created: now(db) };
  const clusters = numbers.map((number) => ({ number, id: randomUUID(), networkId: randomUUID(), addressId: randomUUID() })); // prettier-ignore
  const cidr = '10.100.0.0/20';
  const machines = clusters.flatMap(({ id, networkId, number }) =>
    ['control', 'worker'].map((role, i) => ({
      host: `large-${((2 * number + i) % HOSTS) + 1}`, hostId: hostIds[(2 * number + i) % HOSTS]!, uuid: randomUUID(), clusterId: id, networkId, number, role,
      address: `10.100.0.${10 + i}`, name: `large-${number}-${role}-1`,
    })),
  ); // prettier-ignore
  await transact(db, async (trx) => {
    await trx.batchInsert('networks', clusters.map(({ networkId, number }) => ({
      uuid: networkId, name: `large-${number}`, display_text: 'seeded', data_center_id: zoneId, network_offering_id: common.networkOfferingId, guest_type: 'Isolated',
      state: 'Implemented', network_number: number, active_number: `${zoneId}/${number}`, cidr, gateway: gatewayOf(cidr), netmask: netmaskOf(20), dns1: '10.0.0.53', ...owned,
    })), ROWS); // prettier-ignore
    await trx.batchInsert('user_ip_address', clusters.map(({ networkId, addressId, number }) => ({
      uuid: addressId, public_ip_address: toAddress(toNumber('127.200.0.0') + number), data_center_id: zoneId, state: 'Allocated', source_nat: 1, network_id: networkId,
      account_id: accountId, allocated: now(db),
    })), ROWS); // prettier-ignore
    await trx.batchInsert('kubernetes_cluster', clusters.map(({ id, networkId, number }) => ({
      uuid: id, name: `large-${number}`, description: 'seeded', zone_id: zoneId, kubernetes_version_id: common.versionId, service_offering_id: common.offeringId,
      template_id: common.templateId, network_id: networkId, control_node_count: 1, node_count: 1, etcd_node_count: 0, state: 'Running', generation: 1, cores: 4, memory: 4096,
      node_root_disk_size: 8, endpoint: '', autoscaling_enabled: 0, cluster_type: 'CloudManaged', csi_enabled: 0, probed: nowPlus(db, 7 * 86_400), ...owned,
    })), ROWS); // prettier-ignore
    await trx.batchInsert('vm_instance', machines.map(({ uuid, name, hostId, networkId, number, address }) => ({
      uuid, name, instance_name: `i-${uuid}`, display_name: name, data_center_id: zoneId, host_id: hostId, service_offering_id: common.offeringId, template_id: common.templateId,
      user_id: common.userId, state: 'Running', vm_type: 'cksnode', hypervisor_type: 'Simulator', network_id: networkId, ip_address: address, mac_address: macOf(number, address),
      root_disk_gb: 8, update_time: now(db), ...owned,
    })), ROWS); // prettier-ignore
    await trx.batchInsert('kubernetes_cluster_vm_map', machines.map(({ uuid, clusterId, role }) => ({
      cluster_id: clusterId, vm_id: uuid, role, role_index: 1, control_node: role === 'control' ? 1 : 0, etcd_node: 0, external_node: 0, manual_upgrade: 0,
      kubernetes_node_version: '1.34.2', phase: 'ready',
    })), ROWS); // prettier-ignore
    await trx.batchInsert('firewall_rules', clusters.flatMap((cluster) => rulesOf(trx, cluster, machines)), ROWS); // prettier-ignore
  });
  await seedDomains(service, machines);
  await seedGateway(db, service, clusters.map(({ networkId }) => networkId)); // prettier-ignore
}

/** Balancer and forwards of one cluster. */
function rulesOf(
  trx: Knex.Transaction,
  { id, networkId, addressId }: { id: string; networkId: string; addressId: string },
  machines: readonly Machine[],
): Record<string, unknown>[] {
  const rule = (purpose: string, from: number, to: number, more: object) => ({
    uuid: randomUUID(), network_id: networkId, ip_address_id: addressId, protocol: 'tcp', created: now(trx), purpose, start_port: from, end_port: from, private_port: to,
    vm_id: null, name: null, ...more,
  }); // prettier-ignore
  const own = machines.filter(({ clusterId }) => clusterId === id);
  return [
    rule('LoadBalancing', 6443, 6443, { name: 'api-lb' }),
    ...own.map(({ uuid }, i) => rule('PortForwarding', 2222 + i, 22, { vm_id: uuid })),
  ];
}

async function seedDomains({ ports }: Service, machines: readonly Machine[]): Promise<void> {
  const domains = machines.map(({ host, uuid, clusterId, networkId, number, address, name }) => ({
    host, name: `i-${uuid}`, clusterId, machineId: uuid, hostName: name, networkId, networkNumber: number, ipAddress: address,
  })); // prettier-ignore
  const answer = await fetch(`http://127.0.0.1:${ports['SIMULATOR_PORT']}/control/seed`, {
    method: 'POST',
    body: JSON.stringify({ domains }),
  });
  if (answer.status !== 200) throw new Error(`the simulated zone did not take the machines: ${await answer.text()}`);
}

async function seedGateway(db: Knex, { ports }: Service, networkIds: string[]): Promise<void> {
  const gateway = simulatorGateway(`simulator://127.0.0.1:${ports['SIMULATOR_PORT']}/gateway`);
  const left = [...networkIds];
  const lane = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const facts = await readGatewayFacts(db, { networkId: id });
      if (!facts) throw new Error(`network ${id} has nothing to be applied`);
      const network = await renderGateway(db, facts);
      // A connection that both sides find idle at once may be closed under a call: as an operation does, it is made again.
      await gateway.apply(network).catch(() => gateway.apply(network));
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}
