import type { RoleGroups } from '../workflows/model/affinity.js';
import type { Dedication, HostGroup, HostRoom } from '../workflows/model/placement.js';
import { membersByHost, readPlacementGroups } from './affinity.js';
import type { Db } from './knex.js';
import { readFactors } from './overprovisioning.js';
import { isWithin } from './owners.js';
import type { HostRow } from './rows.js';

export interface RoomsAsked {
  zoneId: string;
  /** Whose control and etcd nodes are counted, and whose affinity groups hold. */
  clusterId?: string;
  /** The owner of the machines; without one every dedicated host is somebody else's. */
  accountId?: string;
  domainId?: string;
  /** Instead of the cluster's own groups: for a cluster that is not there yet. */
  groups?: RoleGroups;
}

interface RoomRow extends HostRow {
  dedicated_account: string | null;
  dedicated_path: string | null;
  dedicated_level: number | null;
}

/** Hosts of a zone with what is left of them and all that `place` looks at, in eight queries at most, however many hosts there are. */
export async function readHostRooms(db: Db, asked: RoomsAsked): Promise<HostRoom[]> {
  const hosts = await db('host as h')
    .leftJoin('dedicated_resources as d', 'd.host_id', 'h.uuid')
    .leftJoin('domain as o', 'o.uuid', 'd.domain_id')
    .where('h.data_center_id', asked.zoneId)
    .whereNull('h.removed')
    .orderBy('h.id')
    .select<RoomRow[]>(
      'h.*',
      'd.account_id as dedicated_account',
      'o.path as dedicated_path',
      'o.level as dedicated_level',
    );
  const factors = await readFactors(db);
  const nodes = await readNodeCounts(db, asked.clusterId);
  const dedicated = hosts.some(({ dedicated_path }) => dedicated_path !== null);
  const owner = dedicated ? await readOwnerDomain(db, asked.domainId) : undefined;
  const groups = await readPlacementGroups(db, asked);
  const members = await membersByHost(db, groups.map(({ id }) => id)); // prettier-ignore
  return hosts.map((host) => ({
    id: host.uuid,
    name: host.name,
    hypervisor: host.hypervisor_type,
    arch: host.arch,
    enabled: host.resource_state === 'Enabled' && host.status === 'Up',
    freeCpus: host.cpus * factors.cpu - host.cpus_used,
    freeRamMb: host.ram_mb * factors.ram - host.ram_mb_used,
    controls: nodes.get(`${host.uuid}/control`) ?? 0,
    etcds: nodes.get(`${host.uuid}/etcd`) ?? 0,
    tags: tagsOf(host.tags),
    dedicatedTo: dedicationOf(host, asked.accountId, owner),
    groups: groups.map((group): HostGroup => ({ ...group, members: members.get(`${group.id}/${host.uuid}`) ?? 0 })),
  }));
}

/** Tags as columns and parameters hold them: separated by commas. */
export const tagsOf = (text: string | null): string[] =>
  (text ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean);

interface OwnerDomain {
  path: string;
  level: number;
}

function dedicationOf(
  { dedicated_account, dedicated_path, dedicated_level }: RoomRow,
  accountId: string | undefined,
  owner: OwnerDomain | undefined,
): Dedication | undefined {
  if (dedicated_path === null || dedicated_level === null) return undefined;
  if (dedicated_account !== null) return { distance: dedicated_account === accountId ? 0 : null };
  return { distance: owner && isWithin(owner.path, dedicated_path) ? 1 + owner.level - dedicated_level : null };
}

const readOwnerDomain = async (db: Db, domainId: string | undefined): Promise<OwnerDomain | undefined> =>
  domainId === undefined
    ? undefined
    : db('domain').where({ uuid: domainId }).first<OwnerDomain | undefined>('path', 'level');

/** `<host id>/<role>` → machines of the cluster. */
async function readNodeCounts(db: Db, clusterId: string | undefined): Promise<ReadonlyMap<string, number>> {
  if (clusterId === undefined) return new Map();
  const rows = await db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .where('m.cluster_id', clusterId)
    .whereNotNull('v.host_id')
    .groupBy('v.host_id', 'm.role')
    .select<{ host_id: string; role: string; total: number }[]>('v.host_id', 'm.role', db.raw('COUNT(*) AS total'));
  return new Map(rows.map(({ host_id, role, total }) => [`${host_id}/${role}`, Number(total)]));
}
