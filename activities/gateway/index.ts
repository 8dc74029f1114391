import type { Knex } from 'knex';
import { mustReadCluster, readDetails, writeDetail } from '../../db/clusters.js';
import { transact } from '../../db/knex.js';
import { lockRoot } from '../../db/network-changes.js';
import { EFFECTS } from '../../db/network-effects.js';
import { mustReadNode, readNodes } from '../../db/nodes.js';
import { readAttemptSettings } from '../../db/operations.js';
import { takePublicAddress } from '../../db/public-addresses.js';
import type { ClusterRow, NetworkRow, OperationRow, PublicAddressRow, ZoneRow } from '../../db/rows.js';
import { readGatewayFacts, readRulesVersion } from '../../db/rules.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import {
  addClusterRules,
  dropRevokedRules,
  forwardedMachines,
  removeMachineRules,
  revokeClusterRules,
  type Place,
} from './cluster-rules.js';
import { LEFT_OUT, renderGateway } from './render.js';

/** Rules change under whoever applies them only when others are at work too. */
const MOST_ROUNDS = 10;
/** The address that a cluster in a VPC has of its own, by the original's name of the detail. */
const OWN_ADDRESS = 'publicipid';

/** A network on its gateway: address, forwards, firewall, balancer. Rules are rows; the gateway gets the rendered whole. */
export const gatewayActivities = ({ db, openGateway }: Pick<Deps, 'db' | 'openGateway'>) => {
  const open = async (clusterId: string) => {
    const cluster = await mustReadCluster(db, clusterId);
    const network = await db<NetworkRow>('networks')
      .where({ uuid: cluster.network_id ?? '' })
      .first();
    const zone = await db<ZoneRow>('data_center').where({ uuid: cluster.zone_id }).first();
    if (!network || !zone) throw fault('Internal', `cluster ${cluster.name} has no network`);
    // Machines of a shared network are reached directly.
    return { cluster, network, zone, none: network.guest_type === 'Shared', gateway: () => openGateway(zone) };
  };
  type Opened = Awaited<ReturnType<typeof open>>;

  const addressOf = async (cluster: ClusterRow, network: NetworkRow): Promise<PublicAddressRow | undefined> => {
    const own = (await readDetails(db, cluster.uuid)).get(OWN_ADDRESS);
    return db<PublicAddressRow>('user_ip_address')
      .where(network.vpc_id === null ? { network_id: network.uuid, source_nat: 1 } : { uuid: own ?? '' })
      .first();
  };

  const placeOf = async ({ cluster, network }: Opened): Promise<Place> => {
    const address = await addressOf(cluster, network);
    if (!address) throw fault('Internal', `network ${network.name} has no public address`);
    return { cluster, network, address };
  };

  /** Changes rows of the network as whoever holds it, and its cluster, alone: a worker that was cut off changes nothing any more. */
  const change = (ref: StepRef, network: NetworkRow, body: (trx: Knex.Transaction) => Promise<void>): Promise<void> =>
    transact(db, async (trx) => {
      await assertHoldsNow(trx, ref);
      await lockRoot(trx, { networkId: network.uuid });
      await body(trx);
    });

  /** Has the gateway hold what the rows say, and says so once nobody has changed them meanwhile. */
  const applyRows = async ({ network, gateway }: Opened): Promise<void> => {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const facts = await readGatewayFacts(db, { networkId: network.uuid });
      if (!facts || facts.addresses.length === 0) return;
      await gateway().apply(await renderGateway(db, facts));
      if ((await readRulesVersion(db, facts)) === facts.version) return;
    }
    throw fault('GatewayFailed', `the rules of network ${network.name} change faster than its gateway can follow`);
  };

  const etcdStart = async ({ operationId }: StepRef): Promise<number> => {
    const settings = await readAttemptSettings(db, operationId);
    return settings['cloud.kubernetes.etcd.node.start.port'];
  };

  /** Gives the balancer's member its turn, and waits until the gateway has it so. */
  const turn = async (ref: StepRef, node: NodeRef, draining: 0 | 1): Promise<void> => {
    const opened = await open(ref.clusterId);
    if (opened.none) return;
    const { vm_id } = await mustReadNode(db, ref.clusterId, node);
    await change(ref, opened.network, async (trx) => {
      await trx('kubernetes_cluster_vm_map').where({ vm_id }).update({ draining });
    });
    await applyRows(opened);
  };

  return {
    /** Leaves the cluster with a public address: the source NAT one of its network, or one of its own in a VPC. */
    async ensureAddress(ref: StepRef): Promise<void> {
      const opened = await open(ref.clusterId);
      const { cluster, network } = opened;
      if (opened.none) return;
      if (!(await addressOf(cluster, network)))
        await transact(db, async (trx) => {
          await assertHoldsNow(trx, ref);
          // The zone's row is the queue of those who want an address of it.
          await trx('data_center').where({ uuid: network.data_center_id }).forUpdate().first();
          const root = await lockRoot(trx, { networkId: network.uuid });
          const address = await takePublicAddress(trx, { ...root, live: false });
          if (network.vpc_id !== null) await writeDetail(trx, cluster.uuid, OWN_ADDRESS, address.uuid);
        });
      const { address } = await placeOf(opened);
      await opened.gateway().ensureAddress(network.vpc_id ?? network.uuid, address.public_ip_address);
    },

    /** Leaves the gateway with what the cluster's nodes need, beside what users made; rules of nodes that have theirs stay as they are. */
    async apply(ref: StepRef): Promise<void> {
      const opened = await open(ref.clusterId);
      if (opened.none) return;
      const place = await placeOf(opened);
      const start = await etcdStart(ref);
      await change(ref, opened.network, async (trx) =>
        addClusterRules(trx, place, await readNodes(trx, ref.clusterId), start),
      );
      await applyRows(opened);
      await db('networks').where({ uuid: opened.network.uuid }).update({ state: 'Implemented' });
      const verified = (await readDetails(db, ref.clusterId)).has('caCert');
      await writeDetail(db, ref.clusterId, 'networkApplied', verified ? 'verified' : 'true');
    },

    /** Takes the forwards and firewall rules of these nodes away, and control nodes out of the balancer. */
    async removeNodeRules(ref: StepRef, ...nodes: NodeRef[]): Promise<void> {
      const opened = await open(ref.clusterId);
      const address = opened.none ? undefined : await addressOf(opened.cluster, opened.network);
      if (!address) return;
      const place = { ...opened, address };
      const start = await etcdStart(ref);
      await change(ref, opened.network, async (trx) => {
        const all = await readNodes(trx, ref.clusterId);
        const leaving = all.filter((one) =>
          nodes.some(({ role, index }) => one.role === role && one.role_index === index),
        );
        const ids = leaving.map(({ vm_id }) => vm_id);
        await removeMachineRules(trx, place, ids);
        await trx('kubernetes_cluster_vm_map')
          .whereIn('vm_id', ids)
          .where({ control_node: 1 })
          .update({ draining: LEFT_OUT });
        const forwarded = await forwardedMachines(trx, place);
        const staying = all.filter(({ vm_id }) => forwarded.has(vm_id));
        if (staying.length > 0) await addClusterRules(trx, place, staying, start);
      });
      await applyRows(opened);
    },

    /** The control node gets connections of the API server's balancer again. */
    serve: (ref: StepRef, node: NodeRef): Promise<void> => turn(ref, node, 0),

    /** The control node gets no new connection of the API server's balancer. */
    drain: (ref: StepRef, node: NodeRef): Promise<void> => turn(ref, node, 1),

    /** Takes the cluster's rules off the gateway, and the whole network where create made it. */
    async withdraw(ref: StepRef, networkOwned: boolean): Promise<void> {
      const opened = await open(ref.clusterId);
      await writeDetail(db, ref.clusterId, 'networkApplied', 'false');
      const { network, gateway } = opened;
      if (opened.none || network.removed !== null) return;
      await change(ref, network, (trx) => revokeClusterRules(trx, opened));
      if (networkOwned) {
        await gateway().ensureAbsent(network.uuid);
        await db('firewall_rules').where({ network_id: network.uuid }).delete();
        await db('networks').where({ uuid: network.uuid }).update({ state: 'Shutdown' });
      } else {
        await applyRows(opened);
        await transact(db, async (trx) => void (await dropRevokedRules(trx, opened)));
      }
    },

    /** Frees the public address and the network's number, once the gateway has let go of them. */
    async releaseNetwork(ref: StepRef, networkOwned: boolean): Promise<void> {
      const opened = await open(ref.clusterId);
      const { cluster, network, gateway } = opened;
      if (opened.none || network.removed !== null) return;
      if (networkOwned) {
        await gateway().ensureAbsent(network.uuid);
        await transact(db, async (trx) => EFFECTS.network.gone?.(trx, network.uuid, {}));
        return;
      }
      const address = network.vpc_id === null ? undefined : await addressOf(cluster, network);
      if (!address) return;
      // The source NAT address of a VPC is its own, whoever needed it first.
      if (address.source_nat === 0) {
        await change(ref, network, async (trx) => {
          await trx('user_ip_address').where({ uuid: address.uuid }).update({ state: 'Releasing' });
        });
        await applyRows(opened);
        await transact(db, async (trx) => EFFECTS.ipaddress.gone?.(trx, address.uuid, {}));
      }
      await db('kubernetes_cluster_details').where({ cluster_id: cluster.uuid, name: OWN_ADDRESS }).delete();
    },
  };
};

/** Keeps the operation's row until the transaction ends, so that nobody takes over in between. */
async function assertHoldsNow(trx: Knex.Transaction, { operationId }: StepRef): Promise<void> {
  const holds = await trx<OperationRow>('operation')
    .where({ uuid: operationId })
    .whereNotNull('active_cluster_id')
    .whereNull('ended')
    .forUpdate()
    .first('uuid');
  if (!holds) throw fault('NotHolder', `operation ${operationId} has ended: this worker was cut off`);
}
