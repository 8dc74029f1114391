import type { Knex } from 'knex';
import type { Db } from '../../db/knex.js';

interface Entity {
  table: string;
  /** Key of the list that shows it, for `related` in `listApis`. */
  key: string;
  where?: Readonly<Record<string, string>>;
  /** Has an `account_id`, so that access to it can be checked. */
  owned?: boolean;
  /** Has an `acl_type`: with Domain, accounts of its domain and below may use it too. */
  shared?: boolean;
}

/** What a uuid parameter may name. */
export const ENTITIES = {
  zone: { table: 'data_center', key: 'zone' },
  host: { table: 'host', key: 'host' },
  storagePool: { table: 'storage_pool', key: 'storagepool' },
  addressRange: { table: 'vlan', key: 'vlan' },
  affinityGroup: { table: 'affinity_group', key: 'affinitygroup', owned: true },
  serviceOffering: { table: 'service_offering', key: 'serviceoffering' },
  networkOffering: { table: 'network_offerings', key: 'networkoffering' },
  template: { table: 'vm_template', key: 'template', where: { kind: 'TEMPLATE' } },
  iso: { table: 'vm_template', key: 'iso', where: { kind: 'ISO' } },
  version: { table: 'kubernetes_supported_version', key: 'kubernetessupportedversion' },
  cluster: { table: 'kubernetes_cluster', key: 'kubernetescluster', owned: true },
  operation: { table: 'operation', key: 'kubernetesclusteroperation' },
  network: { table: 'networks', key: 'network', owned: true, shared: true },
  machine: { table: 'vm_instance', key: 'virtualmachine', owned: true },
  address: { table: 'user_ip_address', key: 'publicipaddress', owned: true },
  firewallRule: { table: 'firewall_rules', key: 'firewallrule', where: { purpose: 'Firewall' } },
  portForwardingRule: { table: 'firewall_rules', key: 'portforwardingrule', where: { purpose: 'PortForwarding' } },
  loadBalancerRule: { table: 'firewall_rules', key: 'loadbalancerrule', where: { purpose: 'LoadBalancing' } },
  egressFirewallRule: { table: 'egress_firewall_rules', key: 'firewallrule' },
  vpc: { table: 'vpc', key: 'vpc', owned: true },
  vpcOffering: { table: 'vpc_offerings', key: 'vpcoffering' },
  networkAcl: { table: 'network_acl', key: 'networkacllist' },
  networkAclItem: { table: 'network_acl_item', key: 'networkacl' },
  keyPair: { table: 'ssh_keypairs', key: 'sshkeypair', owned: true },
  account: { table: 'account', key: 'account' },
  user: { table: 'user', key: 'user' },
  domain: { table: 'domain', key: 'domain' },
  job: { table: 'async_job', key: 'asyncjobs' },
  event: { table: 'event', key: 'event' },
  project: { table: 'projects', key: 'project' },
  userData: { table: 'user_data', key: 'userdata', owned: true },
  cniConfiguration: { table: 'user_data', key: 'cniconfig', owned: true },
} as const satisfies Record<string, Entity>;
export type EntityName = keyof typeof ENTITIES;

export interface Found {
  uuid: string;
  account_id?: string | null;
  acl_type?: string;
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The rows that `values` name by uuid or, where allowed, by number; removed rows included. Keyed by the value as sent. */
export async function findEntities(
  db: Db,
  name: EntityName,
  values: readonly string[],
  numbers: boolean,
): Promise<Map<string, Found>> {
  const entity: Entity = ENTITIES[name];
  const found = new Map<string, Found>();
  const uuids = values.filter((value) => UUID.test(value));
  const ids = numbers ? values.filter((value) => /^\d{1,15}$/.test(value)) : [];
  if (!entity.table || uuids.length + ids.length === 0) return found;
  const columns = ['id', 'uuid', ...(entity.owned ? ['account_id'] : []), ...(entity.shared ? ['acl_type'] : [])];
  // One statement names at most 500 values: both engines limit the placeholders of a statement.
  for (let from = 0; from < values.length; from += 500) {
    const part = new Set(values.slice(from, from + 500));
    const rows: (Found & { id: number })[] = await db(entity.table)
      .where(entity.where ?? {})
      .andWhere((either: Knex.QueryBuilder) => {
        void either
          .whereIn(
            'uuid',
            uuids.filter((value) => part.has(value)).map((value) => value.toLowerCase()),
          )
          .orWhereIn('id', ids.filter((value) => part.has(value)).map(Number));
      })
      .select(columns);
    for (const value of part) {
      const row = rows.find(
        (each) => each.uuid === value.toLowerCase() || (ids.includes(value) && each.id === Number(value)),
      );
      if (row) found.set(value, row);
    }
  }
  return found;
}
