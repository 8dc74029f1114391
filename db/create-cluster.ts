import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { RoleGroups } from '../workflows/model/affinity.js';
import type { CreateFactsFromRows, CreateWish, OfferingFacts } from '../workflows/model/create-rules.js';
import { fault } from '../workflows/model/fault.js';
import type { Settings } from '../workflows/model/settings.js';
import { writeDetail } from './clusters.js';
import { isImageReady, notReadyIn } from './images.js';
import { now, type Db } from './knex.js';
import { takeRange, type WantedRange } from './network-ranges.js';
import { readHostRooms, tagsOf } from './rooms.js';
import type {
  ClusterRow,
  FirewallRuleRow,
  NetworkOfferingRow,
  NetworkRow,
  ServiceOfferingRow,
  TemplateRow,
  VersionRow,
  ZoneRow,
} from './rows.js';

export interface CreateIds {
  zoneId: string;
  versionId: string | undefined;
  offeringId: string | undefined;
  networkId: string | undefined;
  templateId: string | undefined;
  accountId: string;
  domainId: string;
}

export interface CreateRows {
  facts: CreateFactsFromRows;
  template: TemplateRow | undefined;
  networkOffering: NetworkOfferingRow | undefined;
  network: NetworkRow | undefined;
  zone: ZoneRow | undefined;
}

/** Everything that the rules of a create look at. Reads only. */
export async function readCreateRows(
  db: Db,
  ids: CreateIds,
  wish: CreateWish,
  settings: Settings,
  groups: RoleGroups = {},
): Promise<CreateRows> {
  const one = async <T extends object>(table: string, uuid: string | undefined) =>
    uuid === undefined ? undefined : ((await db(table).where({ uuid }).whereNull('removed').first()) as T | undefined);
  const zone = await one<ZoneRow>('data_center', ids.zoneId);
  const version = await one<VersionRow>('kubernetes_supported_version', ids.versionId);
  const iso = await one<TemplateRow>('vm_template', version?.iso_id);
  const network = await one<NetworkRow>('networks', ids.networkId);
  const offeringName = settings['cloud.kubernetes.cluster.network.offering'];
  const networkOffering = network
    ? await one<NetworkOfferingRow>('network_offerings', network.network_offering_id)
    : ((await db('network_offerings').where({ name: offeringName }).whereNull('removed').first()) as
        NetworkOfferingRow | undefined);
  const wanted = [ids.offeringId, ...wish.nodeOfferings.map(({ offering }) => offering)].filter(
    (id) => id !== undefined,
  );
  const offerings = await db<ServiceOfferingRow>('service_offering').whereIn('uuid', wanted).whereNull('removed');
  const template =
    (await one<TemplateRow>('vm_template', ids.templateId)) ??
    ((await db('vm_template')
      .where({ kind: 'TEMPLATE', for_cks: 1, state: 'Ready' })
      .whereNull('removed')
      .whereNotExists(notReadyIn(db, ids.zoneId))
      .where((q) => q.where({ data_center_id: ids.zoneId }).orWhereNull('data_center_id'))
      .where(mayBeUsedBy(ids))
      .orderBy('id')
      .first()) as TemplateRow | undefined);
  const keypair =
    wish.keypair === undefined
      ? undefined
      : await db('ssh_keypairs')
          .where({ account_id: ids.accountId, keypair_name: wish.keypair })
          .first<object | undefined>();
  return {
    template,
    networkOffering,
    network,
    zone,
    facts: {
      endpointUrl: settings['endpoint.url'],
      maxSize: settings['cloud.kubernetes.cluster.max.size'],
      experimental: settings['cloud.kubernetes.cluster.experimental.features.enabled'],
      zone: zone && { name: zone.name, enabled: zone.allocation_state === 'Enabled', uuid: zone.uuid },
      networkOffering: {
        name: networkOffering?.name ?? offeringName,
        problem: offeringProblem(networkOffering, offeringName),
      },
      version: version && {
        name: version.name, semantic: version.semantic_version, enabled: version.state === 'Enabled', zoneId: version.zone_id, minCpu: version.min_cpu,
        minRamMb: version.min_ram_size, isoReady: iso !== undefined && zone !== undefined && (await isImageReady(db, iso, zone.uuid)),
      }, // prettier-ignore
      offerings: new Map(
        offerings.map((row): [string, OfferingFacts] => [
          row.uuid,
          { uuid: row.uuid, name: row.name, cpu: row.cpu, ramMb: row.ram_size, hostTags: tagsOf(row.host_tags), ...(row.state !== 'Active' && { inactive: true }) }, // prettier-ignore
        ]),
      ),
      defaultOffering: ids.offeringId,
      keypairExists: keypair !== undefined,
      template: template && { arch: template.arch },
      templates: await readTemplates(db, wish, ids),
      network:
        ids.networkId === undefined
          ? undefined
          : {
              name: network?.name ?? ids.networkId,
              shared: network?.guest_type === 'Shared',
              problem: await networkProblem(db, network, ids, wish),
            },
      hosts: zone
        ? await readHostRooms(db, { zoneId: zone.uuid, accountId: ids.accountId, domainId: ids.domainId, groups })
        : [],
    },
  };
}

/** A private template is its owner's alone: nodes of others hold their secrets. */
const mayBeUsedBy =
  ({ accountId }: CreateIds) =>
  (q: Knex.QueryBuilder): void =>
    void q.where({ public: 1 }).orWhere({ account_id: accountId });

/** Templates of `nodetemplates` by uuid: those that exist for the owner, and whether they may be used for nodes. */
async function readTemplates(db: Db, wish: CreateWish, ids: CreateIds): Promise<CreateFactsFromRows['templates']> {
  const rows = await db<TemplateRow>('vm_template')
    .whereIn(
      'uuid',
      wish.nodeTemplates.flatMap(({ template }) => template ?? []),
    )
    .where(mayBeUsedBy(ids))
    .whereNull('removed');
  return new Map(
    rows.map((row) => [
      row.uuid,
      { name: row.name, usable: row.for_cks === 1 && row.state === 'Ready', arch: row.arch },
    ]),
  );
}

function offeringProblem(offering: NetworkOfferingRow | undefined, name: string): string | undefined {
  if (!offering) return `there is no network offering named ${name}`;
  if (offering.state !== 'Enabled') return `network offering ${offering.name} is ${offering.state}`;
  // A shared network has no gateway of ours.
  if (offering.guest_type === 'Shared') return undefined;
  if (!offering.services.split(',').includes('SourceNat')) return `network offering ${offering.name} has no SourceNat`;
  if (offering.egress_default_policy !== 1) return `network offering ${offering.name} denies egress by default`;
  return undefined;
}

async function networkProblem(
  db: Db,
  network: NetworkRow | undefined,
  ids: CreateIds,
  wish: CreateWish,
): Promise<string | undefined> {
  if (!network) return `Unable to find the network ${ids.networkId}: it was removed`;
  if (network.data_center_id !== ids.zoneId) return `Network ${network.name} is not in the zone of the cluster`;
  if (network.guest_type === 'Shared') return undefined; // whether the owner may use it is decided with the parameter
  if (network.account_id !== ids.accountId) return `Network ${network.name} belongs to another account`;
  const user = await db<ClusterRow>('kubernetes_cluster')
    .where({ network_id: network.uuid })
    .whereNull('removed')
    .first();
  if (user) return `Network ${network.name} is already in use by Kubernetes cluster ${user.name}`;
  const last = FIRST_SSH_PORT + wish.controlNodes + (wish.size ?? 0) - 1;
  const taken = await db<FirewallRuleRow>('firewall_rules')
    .where({ network_id: network.uuid })
    .whereIn('purpose', ['PortForwarding', 'LoadBalancing'])
    .where((q) =>
      q
        .where((api) => api.where('start_port', '<=', API_PORT).where('end_port', '>=', API_PORT))
        .orWhere((ssh) => ssh.where('start_port', '<=', last).where('end_port', '>=', FIRST_SSH_PORT)),
    )
    .first();
  return taken
    ? `Network ${network.name} has a rule for port ${taken.start_port}: the cluster needs ${API_PORT} and ${FIRST_SSH_PORT} to ${last}`
    : undefined;
}

const API_PORT = 6443;
const FIRST_SSH_PORT = 2222;

/** Makes an isolated network, its number not used by any other of the zone; its range and bridge may be asked for (`takeRange`). */
export async function addNetwork(
  trx: Knex.Transaction,
  zone: ZoneRow,
  offering: NetworkOfferingRow,
  name: string,
  owner: { accountId: string; domainId: string; accountName: string },
  wanted: WantedRange = {},
): Promise<string> {
  const { number, ...range } = await takeRange(trx, zone, wanted);
  const uuid = randomUUID();
  await trx('networks').insert({
    uuid, name, display_text: `${owner.accountName}-network`, data_center_id: zone.uuid, network_offering_id: offering.uuid, guest_type: 'Isolated', state: 'Allocated',
    network_number: number, active_number: `${zone.uuid}/${number}`, ...range, dns1: zone.dns1, account_id: owner.accountId, domain_id: owner.domainId, created: now(trx),
  }); // prettier-ignore
  return uuid;
}

export interface NewCluster extends Omit<CreateIds, 'templateId'> {
  name: string;
  description: string;
  templateId: string | undefined;
  networkOwned: boolean;
  controlOfferingId: string | undefined;
  workerOfferingId: string | undefined;
  etcdOfferingId: string | undefined;
  controlNodes: number;
  workers: number;
  etcdNodes: number;
  keypair: string | undefined;
  rootDiskGb: number;
  clusterType: ClusterRow['cluster_type'];
  state: ClusterRow['state'];
  cores: number;
  memoryMb: number;
  enableCsi: boolean;
  controlTemplateId?: string | undefined;
  workerTemplateId?: string | undefined;
  etcdTemplateId?: string | undefined;
  hypervisor?: string | undefined;
  cniConfigurationId?: string | undefined;
  cniValues?: Record<string, string> | undefined;
}

/** Writes the cluster's row and returns it. */
export async function addCluster(trx: Knex.Transaction, wanted: NewCluster): Promise<ClusterRow> {
  const uuid = randomUUID();
  await trx('kubernetes_cluster').insert({
    uuid, name: wanted.name, description: wanted.description, zone_id: wanted.zoneId, kubernetes_version_id: wanted.versionId ?? null,
    service_offering_id: wanted.offeringId ?? null, control_node_service_offering_id: wanted.controlOfferingId ?? null,
    worker_node_service_offering_id: wanted.workerOfferingId ?? null, etcd_node_service_offering_id: wanted.etcdOfferingId ?? null,
    template_id: wanted.templateId ?? null, network_id: wanted.networkId ?? null, control_node_count: wanted.controlNodes, node_count: wanted.workers,
    etcd_node_count: wanted.etcdNodes, account_id: wanted.accountId, domain_id: wanted.domainId, state: wanted.state, generation: 0, reason: null,
    key_pair: wanted.keypair ?? null, cores: wanted.cores, memory: wanted.memoryMb, node_root_disk_size: wanted.rootDiskGb, endpoint: '', autoscaling_enabled: 0,
    cluster_type: wanted.clusterType, csi_enabled: wanted.enableCsi ? 1 : 0, control_node_template_id: wanted.controlTemplateId ?? null,
    worker_node_template_id: wanted.workerTemplateId ?? null, etcd_node_template_id: wanted.etcdTemplateId ?? null, hypervisor: wanted.hypervisor ?? null,
    cni_config_id: wanted.cniConfigurationId ?? null, cni_config_details: wanted.cniValues ? JSON.stringify(wanted.cniValues) : null, created: now(trx),
  }); // prettier-ignore
  if (wanted.networkOwned) await writeDetail(trx, uuid, 'networkCleanup', 'true');
  const row = await trx<ClusterRow>('kubernetes_cluster').where({ uuid }).first();
  if (!row) throw fault('Internal', 'the row of the new cluster is not there');
  return row;
}
