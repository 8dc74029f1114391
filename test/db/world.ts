import { mustReadCluster } from '../../db/clusters.js';
import { addCluster, addNetwork } from '../../db/create-cluster.js';
import { DEFAULT_ZONE, seedDefaults } from '../../db/defaults.js';
import { transact } from '../../db/knex.js';
import { migrate } from '../../db/migrate.js';
import type { ClusterRow, HostRow, NetworkOfferingRow, ZoneRow } from '../../db/rows.js';
import { reserveNodes } from '../../db/reserve.js';
import { numbered } from '../../workflows/steps/context.js';
import { Sealer, Secret } from '../../db/secret.js';
import { queueOperation, type NewOperation, type Queued } from '../../db/operations.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import type { Knex } from 'knex';
import type { Engines } from './engines.js';

export const KEY = 'a key for tests only, long enough';

/** A database after a first start, with the ids that tests need. */
export interface World {
  url: string;
  db: Knex;
  sealer: Sealer;
  accountId: string;
  domainId: string;
  zone: ZoneRow;
  offeringId: string;
  addCluster(name: string, more?: { controlNodes?: number; workers?: number; networkId?: string }): Promise<ClusterRow>;
  queue(cluster: ClusterRow, more?: Partial<NewOperation>): Promise<Queued>;
  /** Leaves the first host alone, with room for so many small machines. */
  onlyRoomFor(machines: number): Promise<HostRow>;
}

export async function makeWorld(engines: Engines): Promise<World> {
  const url = await engines.emptyUrl();
  const db = engines.open(url);
  const sealer = new Sealer(new Secret(KEY));
  await migrate(db);
  await seedDefaults(db, sealer, { simulatorPort: 18090 });
  const account = await db('account').where({ account_name: 'admin' }).first<{ uuid: string; domain_id: string }>();
  const zone = (await db<ZoneRow>('data_center').where({ uuid: DEFAULT_ZONE }).first())!;
  const offering = await db('service_offering').where({ name: 'small' }).first<{ uuid: string }>();
  const version = await db('kubernetes_supported_version').first<{ uuid: string }>();
  const template = await db('vm_template').where({ kind: 'TEMPLATE' }).first<{ uuid: string }>();
  const networkOffering = (await db<NetworkOfferingRow>('network_offerings').first())!;
  const owner = { accountId: account.uuid, domainId: account.domain_id };
  return {
    url,
    db,
    sealer,
    ...owner,
    zone,
    offeringId: offering.uuid,
    addCluster: (name, { controlNodes = 1, workers = 1, networkId } = {}) =>
      transact(db, async (trx) =>
        addCluster(trx, {
          ...owner,
          name,
          description: name,
          zoneId: zone.uuid,
          versionId: version.uuid,
          offeringId: offering.uuid,
          networkId:
            networkId ??
            (await addNetwork(trx, zone, networkOffering, `${name}-network`, { ...owner, accountName: 'admin' })),
          templateId: template.uuid,
          networkOwned: networkId === undefined,
          controlOfferingId: undefined,
          workerOfferingId: undefined,
          etcdOfferingId: undefined,
          controlNodes,
          workers,
          etcdNodes: 0,
          keypair: undefined,
          rootDiskGb: 8,
          clusterType: 'CloudManaged',
          state: 'Created',
          cores: 4,
          memoryMb: 4096,
          enableCsi: false,
        }),
      ),
    queue: (cluster, more = {}) =>
      transact(db, (trx) =>
        queueOperation(trx, {
          kind: 'create',
          cluster,
          caller: { accountId: account.uuid, userId: 'someone' },
          settings: DEFAULT_SETTINGS,
          command: 'createKubernetesCluster',
          ...more,
        }),
      ),
    async onlyRoomFor(machines) {
      await db('host').update({ resource_state: 'Disabled' });
      const host = (await db<HostRow>('host').orderBy('id').first())!;
      await db('host')
        .where({ uuid: host.uuid })
        .update({ resource_state: 'Enabled', cpus: 2 * machines, ram_mb: 2048 * machines });
      return (await db<HostRow>('host').where({ uuid: host.uuid }).first())!;
    },
  };
}

/** Reserves every node that the cluster's row counts. */
export async function reserveAll(db: Knex, clusterId: string) {
  const { control_node_count, node_count, etcd_node_count } = await mustReadCluster(db, clusterId);
  const wanted = [
    ...numbered('etcd', etcd_node_count),
    ...numbered('control', control_node_count),
    ...numbered('worker', node_count),
  ];
  return reserveNodes(db, { clusterId, userId: 'someone', rootId: 'an operation', wanted });
}

/** What the database says to a statement it must refuse. SQLite's errors come from outside the test's realm, so they are read, not matched. */
export const refusal = (statement: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(statement).then(
    () => 'it was accepted',
    (error: unknown) => (error as Error).message,
  );
