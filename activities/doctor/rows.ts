import { nowPlus, now, transact } from '../../db/knex.js';
import type { Deps } from '../deps.js';
import type { Check, Finding } from './finding.js';

/** Seconds that a job may be without its work: it is being started, or just ended. */
const GRACE = 60;

/** Jobs that wait for work that is over or never was. */
export const jobs: Check = {
  name: 'jobs',
  async look({ db }) {
    const ofNobody = () =>
      db('async_job as j')
        .leftJoin('operation as o', (on) => void on.on('o.job_id', 'j.uuid').orOn('o.uuid', 'j.operation_id'))
        .leftJoin('network_change as n', 'n.job_id', 'j.uuid')
        .leftJoin('machine_change as m', 'm.job_id', 'j.uuid')
        .where('j.job_status', 0)
        .where('j.created', '<', nowPlus(db, -GRACE))
        .groupBy('j.uuid', 'j.job_cmd')
        .having(db.raw('SUM(CASE WHEN (o.uuid IS NOT NULL AND o.ended IS NULL) OR (n.job_id IS NOT NULL AND n.ended IS NULL) OR (m.job_id IS NOT NULL AND m.ended IS NULL) THEN 1 ELSE 0 END) = 0')); // prettier-ignore
    const stuck = await ofNobody().select<{ uuid: string; job_cmd: string }[]>('j.uuid', 'j.job_cmd');
    return stuck.map(({ uuid, job_cmd }) => ({
      what: `job ${uuid} (${job_cmd.split('.').at(-1)}) is pending, and nothing works on it`,
      todo: '--fix ends it as failed; give the command again',
      fix: async () => {
        const text = 'the work of this job was lost: give the command again';
        await db('async_job')
          .where({ uuid, job_status: 0 })
          .update({
            job_status: 2,
            job_result_code: 530,
            job_result: JSON.stringify({ errorcode: 530, errortext: text }),
            removed: now(db),
          });
      },
    }));
  },
};

/** Public and guest addresses, rules and nodes whose owner is gone. */
export const owners: Check = {
  name: 'addresses and rules',
  look: async (deps) => (await Promise.all([publicAddresses, guestAddresses, rules, nodes].map((look) => look(deps)))).flat(), // prettier-ignore
};

async function publicAddresses({ db, openGateway }: Deps): Promise<Finding[]> {
  const held = await db('user_ip_address as a')
    .leftJoin('networks as n', 'n.uuid', 'a.network_id')
    .leftJoin('vpc as v', 'v.uuid', 'a.vpc_id')
    .join('data_center as z', 'z.uuid', 'a.data_center_id')
    .whereNot('a.state', 'Free')
    .where((gone) => void gone.whereNull('n.uuid').orWhereNotNull('n.removed'))
    .where((gone) => void gone.whereNull('v.uuid').orWhereNotNull('v.removed'))
    .select<
      {
        uuid: string;
        address: string;
        network: string | null;
        zone: string;
        zone_id: string;
        gateway_url: string;
      }[]
    >('a.uuid', 'a.public_ip_address as address', db.raw('COALESCE(a.vpc_id, a.network_id) as network'), 'z.name as zone', 'z.uuid as zone_id', 'z.gateway_url'); // prettier-ignore
  return held.map(({ uuid, address, network, zone, zone_id, gateway_url }) => ({
    what: `public address ${address} of zone ${zone} is held by a network that is gone (${network ?? 'none'})`,
    todo: '--fix takes the network off its gateway and frees the address',
    fix: async () => {
      const gateway = openGateway({ uuid: zone_id, name: zone, gateway_url } as Parameters<Deps['openGateway']>[0]);
      if (network !== null) await gateway.ensureAbsent(network);
      await transact(db, async (trx) => {
        await trx('firewall_rules').where({ ip_address_id: uuid }).delete();
        const free = { state: 'Free', network_id: null, vpc_id: null, account_id: null, source_nat: 0, allocated: null };
        await trx('user_ip_address').where({ uuid }).whereNot({ state: 'Free' }).update(free);
      }); // prettier-ignore
    },
  }));
}

async function guestAddresses({ db }: Deps): Promise<Finding[]> {
  const held = await db('guest_address as g')
    .leftJoin('vm_instance as v', 'v.uuid', 'g.vm_id')
    .where((gone) => void gone.whereNull('v.uuid').orWhereNotNull('v.removed'))
    .select<{ id: number; address: string; vm_id: string }[]>('g.id', 'g.ip4_address as address', 'g.vm_id');
  return held.map(({ id, address, vm_id }) => ({
    what: `guest address ${address} is held by machine ${vm_id}, which is gone`,
    todo: '--fix frees it',
    fix: async () => void (await db('guest_address').where({ id, vm_id }).delete()),
  }));
}

async function rules({ db }: Deps): Promise<Finding[]> {
  const lost = await db('firewall_rules as r')
    .leftJoin('networks as n', 'n.uuid', 'r.network_id')
    .leftJoin('user_ip_address as a', 'a.uuid', 'r.ip_address_id')
    .where((gone) => void gone.whereNull('n.uuid').orWhereNotNull('n.removed').orWhereNull('a.uuid'))
    .select<{ uuid: string; purpose: string; start_port: number; network_id: string }[]>(
      'r.uuid',
      'r.purpose',
      'r.start_port',
      'r.network_id',
    );
  return lost.map(({ uuid, purpose, start_port, network_id }) => ({
    what: `rule ${uuid} (${purpose}, port ${start_port}) belongs to network ${network_id}, which is gone, or to no address`,
    todo: '--fix removes its row',
    fix: () =>
      transact(db, async (trx) => {
        await trx('load_balancer_vm_map').where({ rule_id: uuid }).delete();
        await trx('firewall_rules').where({ uuid }).delete();
      }),
  }));
}

async function nodes({ db }: Deps): Promise<Finding[]> {
  const lost = await db('kubernetes_cluster_vm_map as m')
    .leftJoin('vm_instance as v', 'v.uuid', 'm.vm_id')
    .leftJoin('kubernetes_cluster as c', 'c.uuid', 'm.cluster_id')
    .where((gone) => void gone.whereNull('v.uuid').orWhereNotNull('v.removed').orWhereNotNull('c.removed'))
    .select<{ id: number; vm_id: string; cluster_id: string }[]>('m.id', 'm.vm_id', 'm.cluster_id');
  return lost.map(({ id, vm_id, cluster_id }) => ({
    what: `cluster ${cluster_id} counts machine ${vm_id} as a node, and one of the two is gone`,
    todo: '--fix takes the node off the list',
    fix: async () => void (await db('kubernetes_cluster_vm_map').where({ id }).delete()),
  }));
}

/** Certificates that end soon or have ended, of clusters that nobody renews. */
export const certificates: Check = {
  name: 'certificates',
  async look({ db }) {
    const ending = await db('kubernetes_cluster as c')
      .leftJoin('operation as o', 'o.active_cluster_id', 'c.uuid')
      .whereNull('o.uuid')
      .whereNull('c.removed')
      .where('c.certificates_end', '<', nowPlus(db, CERTIFICATE_DAYS * 86_400))
      .select<{ uuid: string; name: string; state: string; ends: string }[]>(
        'c.uuid',
        'c.name',
        'c.state',
        'c.certificates_end as ends',
      );
    return ending.map(({ uuid, name, state, ends }) => ({
      what: `the certificates of cluster ${name} (${uuid}, ${state}) end on ${ends.slice(0, 10)}`,
      todo:
        state === 'Stopped'
          ? 'nothing: startKubernetesCluster renews them'
          : 'the scan of its zone renews them (cks.certificate.renew.days); see its reason, and whether its control nodes answer',
    }));
  },
};
/** A renewal that works has happened by then. */
const CERTIFICATE_DAYS = 7;
