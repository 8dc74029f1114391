import type { JobListRow } from '../../db/jobs.js';
import { responseObject, type Context, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { renderAffinityGroup } from './affinity-group.js';
import { renderCluster } from './cluster.js';
import { renderMachine } from './machine.js';
import { networkRenderers } from './network-objects.js';
import { renderOperation } from './operation.js';
import { OWNER_FIELDS, ownerView } from './owner.js';
import { renderProject } from './project.js';

/**
 * How the object that a job's result names is shown, by its key. Results hold an id, so that a job queried later shows the
 * object as it is then, and the row holds no second copy.
 */
export const jobRenderers = new Map<string, (ctx: Context, id: string) => Promise<object>>([
  ['kubernetescluster', (ctx, id) => renderCluster(ctx.db, id, ctx.caller.role === 'A')],
  ['kubernetesclusteroperation', renderOperation],
  ['virtualmachine', (ctx, id) => renderMachine(ctx.db, id, ctx.caller.role === 'A')],
  ['project', (ctx, id) => renderProject(ctx.db, id)],
  ['affinitygroup', (ctx, id) => renderAffinityGroup(ctx.db, id)],
  ...networkRenderers,
]);

export const JOB = responseObject('asyncjobs', {
  jobid: ['string', 'the ID of the job'],
  jobstatus: ['integer', 'the current job status: 0 pending, 1 succeeded, 2 failed'],
  jobprocstatus: ['integer', 'the progress information of the process'],
  jobresultcode: ['integer', 'the result code for the job'],
  jobresulttype: ['string', 'the result type'],
  jobresult: ['responseobject', 'the result object, or the reason of the failure'],
  accountid: ['string', 'the account id that executed the async command'],
  account: OWNER_FIELDS.account,
  domainid: OWNER_FIELDS.domainid,
  domainpath: OWNER_FIELDS.domainpath,
  userid: ['string', 'the user that executed the async command'],
  cmd: ['string', 'the async command executed'],
  jobinstancetype: ['string', 'the kind of object the job works on'],
  created: ['date', 'the created date of the job'],
  completed: ['date', 'the completed date of the job'],
});

interface StoredResult {
  object?: string;
  id?: string;
  operation?: string;
  [field: string]: unknown;
}

async function render(ctx: Context, stored: StoredResult): Promise<Fields> {
  const object = stored.object ?? (stored.operation === undefined ? undefined : 'kubernetesclusteroperation');
  if (object === undefined) return stored;
  const renderer = jobRenderers.get(object);
  const id = stored.id ?? stored.operation ?? '';
  return { [object]: renderer ? await renderer(ctx, id) : { id } };
}

export async function jobView(ctx: Context, row: JobListRow): Promise<Fields> {
  const { account, domainid, domainpath } = ownerView(row);
  const finished = row.job_status !== 0;
  const stored =
    row.job_result === null ? { success: row.job_status === 1 } : (JSON.parse(row.job_result) as StoredResult);
  return {
    accountid: row.account_id,
    account,
    domainid,
    domainpath,
    userid: row.user_id,
    cmd: row.job_cmd,
    jobstatus: row.job_status,
    jobprocstatus: 0,
    jobresultcode: row.job_result_code,
    ...(finished && { jobresulttype: 'object', jobresult: await render(ctx, stored) }),
    jobinstancetype: row.instance_type,
    created: wireDate(row.created),
    completed: finished ? wireDate(row.removed ?? row.created) : undefined,
    jobid: row.uuid,
  };
}
