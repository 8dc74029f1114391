import { mustReadCluster } from '../db/clusters.js';
import { readSettings } from '../db/configuration.js';
import { millis } from '../db/knex.js';
import { isWhole, readNodes } from '../db/nodes.js';
import type { ClusterRow, OperationRow, StepRow } from '../db/rows.js';
import { moveSeen, writeReason } from '../db/seen.js';
import { textOf } from '../workflows/model/fault.js';
import { nodeLabel } from '../workflows/model/operation.js';
import { hasSeen, saidIn, SEEN, withSaid, withSeen } from '../workflows/model/seen-reason.js';
import { beginOperation } from './begin-operation.js';
import type { Deps } from './deps.js';
import { inTime } from './in-time.js';
import { ask } from './kubernetes/ask.js';

/** Milliseconds an API server may take to answer, and until it is asked a second time. */
const ANSWER_MS = 5000;
const AGAIN_MS = 1000;
const DAY_MS = 86_400_000;
/** Stands between the nodes and what to do about them. */
const CORDONED = ' stayed cordoned: ';

/**
 * Asks one cluster's API server. A Running cluster that does not answer twice is in Alert; an Alert whose machines all run and whose API server
 * answers is over. Certificates that end soon are renewed.
 */
export async function probeCluster(deps: Deps, cluster: ClusterRow): Promise<void> {
  const { db } = deps;
  let problem = await apiProblem(deps, cluster.uuid);
  if (cluster.state === 'Running' && problem !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    problem = await apiProblem(deps, cluster.uuid);
  }
  // Also when it does not answer: its certificates may be why.
  if (await mindCertificates(deps, cluster)) return;
  if (cluster.state === 'Running') {
    if (problem === undefined) return mindCordoned(deps, cluster);
    return void (await moveSeen(db, cluster, ['Alert'], withSeen(cluster.reason, `${SEEN.silent}${problem}`)));
  }
  if (!(await isWhole(db, cluster))) return;
  if (problem !== undefined) return writeReason(db, cluster, withSeen(cluster.reason, `${SEEN.silent}${problem}`));
  // An upgrade that is not finished is still the reason for two versions.
  const left = cluster.target_version_id === null ? await leftCordoned(deps, cluster.uuid) : saidIn(cluster.reason);
  await moveSeen(db, cluster, ['Recovering', 'Running'], left);
}

/** Why nodes take no pods that the last operation cordoned before it failed; null when there are none, and its failure is over. */
async function leftCordoned({ db, kubernetes }: Deps, clusterId: string): Promise<string | null> {
  const last = await db<OperationRow>('operation').where({ cluster_id: clusterId }).orderBy('id', 'desc').first();
  if (last?.state !== 'failed' || last.fault === 'Superseded') return null;
  const drains = await db<StepRow>('operation_step')
    .where({ operation_id: last.uuid, kind: 'node.drain' })
    .whereNotNull('began')
    .select('title');
  const drained = (await readNodes(db, clusterId)).filter(({ role, role_index: index }) =>
    drains.some(({ title }) => title.startsWith(`${nodeLabel({ role, index })}: `)),
  );
  if (drained.length === 0) return null;
  const api = await kubernetes.open(clusterId);
  const { items } = await ask('list the nodes', () => api.listNode());
  const off = new Set(items.filter(({ spec }) => spec?.unschedulable).map(({ metadata }) => metadata?.name));
  const cordoned = drained.map(({ name }) => name).filter((name) => off.has(name));
  if (cordoned.length === 0) return null;
  return `${last.reason ?? `the last ${last.kind} failed`}; ${cordoned.join(', ')}${CORDONED}resume or cancel operation ${last.uuid}`;
}

/** What was said of cordoned nodes is over for those that somebody uncordoned. */
async function mindCordoned(deps: Deps, cluster: ClusterRow): Promise<void> {
  if (!saidIn(cluster.reason)?.includes(CORDONED)) return;
  // What is seen of its certificates may be new.
  const { reason } = await mustReadCluster(deps.db, cluster.uuid);
  await writeReason(deps.db, { ...cluster, reason }, withSaid(reason, await leftCordoned(deps, cluster.uuid)));
}

/** Why the API server does not answer through the balancer; undefined when it does. */
async function apiProblem({ kubernetes }: Deps, clusterId: string): Promise<string | undefined> {
  const answer = kubernetes
    .open(clusterId)
    .then((api) => ask('look for the API server', () => api.listNamespace({ limit: 1 })));
  try {
    await inTime(ANSWER_MS, answer);
    return undefined;
  } catch (error) {
    return textOf(error);
  }
}

/** Has certificates that end soon renewed, and says so before that. True when a renewal began. */
async function mindCertificates(deps: Deps, cluster: ClusterRow): Promise<boolean> {
  const { certificates_end: ends, reason } = cluster;
  if (ends === null) return false;
  const settings = await readSettings(deps.db);
  const renewDays = settings['cks.certificate.renew.days'];
  const left = (millis(ends) - Date.now()) / DAY_MS;
  if (renewDays > 0 && left <= renewDays) return beginOperation(deps, cluster, 'renew');
  if (cluster.state !== 'Running') return false;
  const how =
    renewDays > 0 ? `they are renewed ${renewDays} days before` : 'renewing them is off (cks.certificate.renew.days)';
  const warning =
    left <= settings['cks.certificate.warning.days'] ? `${SEEN.certificates}${ends.slice(0, 10)}: ${how}` : null;
  if (warning !== null || hasSeen(reason, 'certificates'))
    await writeReason(deps.db, cluster, withSeen(reason, warning));
  return false;
}
