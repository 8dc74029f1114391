import type { Db } from './knex.js';
import type { NetworkRow } from './rows.js';

/** What is one on a gateway: an isolated network, or a VPC by the first of its tiers that the gateway has. */
export interface RestingGateway {
  id: NetworkRow['id'];
  networkId: string;
  vpcId: string | null;
  /** Of the network, or the VPC. */
  name: string;
}

const ROOT = (network: string) => `COALESCE(${network}.vpc_id, ${network}.uuid)`;

/** All that are on their gateway and at rest: no operation works on a cluster in them, and no change of their rules is on its way. */
export const restingGateways = (db: Db) =>
  db('networks as n')
    .leftJoin('vpc as p', 'p.uuid', 'n.vpc_id')
    .where({ 'n.state': 'Implemented' })
    .whereNot('n.guest_type', 'Shared')
    .whereNull('n.removed')
    .whereRaw(
      `(n.vpc_id IS NULL OR n.id = (SELECT MIN(t.id) FROM networks t WHERE t.vpc_id = n.vpc_id AND t.state = 'Implemented' AND t.removed IS NULL))`,
    )
    .whereRaw(
      `${ROOT('n')} NOT IN (SELECT ${ROOT('b')} FROM operation o JOIN kubernetes_cluster c ON c.uuid = o.active_cluster_id JOIN networks b ON b.uuid = c.network_id)`,
    )
    .whereRaw(
      `NOT EXISTS (SELECT k.id FROM network_change k WHERE k.ended IS NULL AND COALESCE(k.vpc_id, k.network_id) = ${ROOT('n')})`,
    )
    .orderBy('n.id')
    .select<RestingGateway[]>('n.id', 'n.uuid as networkId', 'n.vpc_id as vpcId', db.raw('COALESCE(p.name, n.name) as name')); // prettier-ignore

/** Those of a zone in turn, so many at a time: those after the row `after`, then the first ones again. */
export async function readRestingGateways(
  db: Db,
  zoneId: string,
  after: number,
  most: number,
): Promise<RestingGateway[]> {
  const read = (sign: '>' | '<=', limit: number) =>
    restingGateways(db).where({ 'n.data_center_id': zoneId }).where('n.id', sign, after).limit(limit);
  const next = await read('>', most);
  return after === 0 || next.length === most ? next : [...next, ...(await read('<=', most - next.length))];
}
