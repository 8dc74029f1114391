import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now } from '../../db/knex.js';
import type { ClusterRow, NodeRole } from '../../db/rows.js';
import type { TestUser } from './harness.js';

const first = async (db: Knex, table: string, where: Record<string, unknown> = {}): Promise<string> =>
  (await db(table).where(where).first<{ uuid: string }>('uuid')).uuid;

export interface MadeCluster {
  uuid: string;
  networkId: string;
  addressId: string;
  machineIds: string[];
}

/** A cluster with network, public address, rules and nodes, as rows only. */
export async function addCluster(
  db: Knex,
  owner: TestUser,
  row: Partial<ClusterRow> & { name: string },
  nodes: readonly NodeRole[] = ['control', 'worker'],
): Promise<MadeCluster> {
  const zone = await first(db, 'data_center');
  const offering = await first(db, 'service_offering', { name: 'small' });
  const template = await first(db, 'vm_template', { kind: 'TEMPLATE' });
  const version = await first(db, 'kubernetes_supported_version');
  const host = await first(db, 'host');
  const [uuid, networkId] = [randomUUID(), randomUUID()];
  const number = 100 + Math.floor(Math.random() * 1e9);
  await db('networks').insert({
    uuid: networkId, name: `${row.name}-network`, display_text: `${row.name}-network`, data_center_id: zone, network_offering_id: await first(db, 'network_offerings'),
    guest_type: 'Isolated', state: 'Implemented', network_number: number, active_number: String(number), cidr: '10.1.0.0/24', gateway: '10.1.0.1', netmask: '255.255.255.0',
    dns1: null, account_id: owner.accountId, domain_id: owner.domainId, created: now(db),
  }); // prettier-ignore
  const addressId = await first(db, 'user_ip_address', { state: 'Free' });
  await db('user_ip_address')
    .where({ uuid: addressId })
    .update({
      state: 'Allocated',
      source_nat: 1,
      network_id: networkId,
      account_id: owner.accountId,
      allocated: now(db),
    });
  const count = (role: NodeRole) => nodes.filter((each) => each === role).length;
  await db('kubernetes_cluster').insert({
    uuid, description: row.name, zone_id: zone, kubernetes_version_id: version, service_offering_id: offering, template_id: template, network_id: networkId,
    control_node_count: count('control'), node_count: count('worker'), etcd_node_count: count('etcd'), account_id: owner.accountId, domain_id: owner.domainId,
    state: 'Running', generation: 1, cores: 4, memory: 4096, node_root_disk_size: 8, endpoint: 'https://127.80.1.2:6443/', autoscaling_enabled: 0,
    cluster_type: 'CloudManaged', csi_enabled: 0, created: now(db), ...row,
  }); // prettier-ignore
  const machineIds: string[] = [];
  for (const [i, role] of nodes.entries()) {
    const vm = randomUUID();
    machineIds.push(vm);
    await db('vm_instance').insert({
      uuid: vm, name: `${row.name}-${role}-${i}`, instance_name: `i-${vm}`, display_name: `${row.name}-${role}-${i}`, data_center_id: zone, host_id: host,
      service_offering_id: offering, template_id: template, account_id: owner.accountId, domain_id: owner.domainId, user_id: owner.userId, state: 'Running',
      vm_type: 'cksnode', hypervisor_type: 'Simulator', network_id: networkId, ip_address: `10.1.0.${10 + i}`, mac_address: '02:00:00:00:00:01', root_disk_gb: 8, created: now(db),
    }); // prettier-ignore
    await db('kubernetes_cluster_vm_map').insert({
      cluster_id: uuid, vm_id: vm, role, role_index: i, control_node: Number(role === 'control'), etcd_node: Number(role === 'etcd'), external_node: 0, manual_upgrade: 0,
      kubernetes_node_version: '1.32.9', phase: 'ready',
    }); // prettier-ignore
    await db('firewall_rules').insert({
      uuid: randomUUID(), purpose: 'PortForwarding', network_id: networkId, ip_address_id: addressId, protocol: 'tcp', start_port: 2222 + i, end_port: 2222 + i, private_port: 22, vm_id: vm, created: now(db),
    }); // prettier-ignore
  }
  for (const [purpose, start, end] of [['Firewall', 6443, 6443], ['Firewall', 2222, 2223], ['LoadBalancing', 6443, 6443]] as const) // prettier-ignore
    await db('firewall_rules').insert({
      uuid: randomUUID(), purpose, network_id: networkId, ip_address_id: addressId, protocol: 'tcp', start_port: start, end_port: end, private_port: purpose === 'LoadBalancing' ? 6443 : null,
      name: purpose === 'LoadBalancing' ? 'api-lb' : null, created: now(db),
    }); // prettier-ignore
  return { uuid, networkId, addressId, machineIds };
}

/** A machine of a user, as a row only. Returns its id. */
export async function addMachine(db: Knex, owner: TestUser, networkId: string, address: string): Promise<string> {
  const uuid = randomUUID();
  await db('vm_instance').insert({
    uuid, name: `vm-${uuid.slice(0, 8)}`, instance_name: `i-${uuid}`, display_name: 'vm', data_center_id: await first(db, 'data_center'), host_id: await first(db, 'host'),
    service_offering_id: await first(db, 'service_offering'), template_id: await first(db, 'vm_template'), account_id: owner.accountId, domain_id: owner.domainId,
    user_id: owner.userId, state: 'Running', vm_type: 'User', hypervisor_type: 'Simulator', network_id: networkId, ip_address: address, mac_address: '1e:00:00:00:00:01',
    root_disk_gb: 8, created: now(db),
  }); // prettier-ignore
  return uuid;
}

export async function addJob(
  db: Knex,
  owner: TestUser,
  job: { status: 0 | 1 | 2; code?: number; result?: object },
): Promise<string> {
  const uuid = randomUUID();
  await db('async_job').insert({
    uuid, job_cmd: 'org.apache.cloudstack.api.command.user.kubernetes.cluster.CreateKubernetesClusterCmd', instance_type: 'KubernetesCluster', account_id: owner.accountId, user_id: owner.userId,
    job_status: job.status, job_result_code: job.code ?? 0, job_result: job.result ? JSON.stringify(job.result) : null, created: now(db), removed: job.status === 0 ? null : now(db),
  }); // prettier-ignore
  return uuid;
}
