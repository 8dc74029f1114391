import type { Knex } from 'knex';
import { transact } from '../db/knex.js';
import type { Acting, QueuedNetworkChange } from '../db/network-changes.js';
import { startNetworkRun } from '../workflows/client.js';
import { fault, textOf } from '../workflows/model/fault.js';
import { NETWORK_CHANGES } from '../workflows/model/network-change.js';
import { job, type Answer, type Context } from './command.js';
import { assertAccess } from './ownership.js';

/** Who acts, for jobs and events. */
export const actingOf = ({ caller }: Context): Acting => ({ accountId: caller.account.uuid, userId: caller.user.uuid });

/**
 * Writes the change and its job in one transaction, then starts the run that brings it to the gateway. A failure to start loses
 * nothing: the scan starts what has no run.
 */
export async function submitChange(
  ctx: Context,
  write: (trx: Knex.Transaction) => Promise<QueuedNetworkChange>,
): Promise<Answer> {
  const { jobId, kind, objectId, run } = await transact(ctx.db, write);
  if (run && ctx.temporal)
    await startNetworkRun(ctx.temporal, run).catch((error: unknown) =>
      ctx.log.warn({ job: jobId, error: textOf(error) }, 'Temporal did not take the run; the scan will start it'),
    );
  return job(jobId, NETWORK_CHANGES[kind].action === 'create' ? objectId : undefined);
}

/** Throws unless the caller may act on the network that the rule belongs to. */
export async function assertRuleAccess(
  ctx: Context,
  ruleId: string,
  table: 'firewall_rules' | 'egress_firewall_rules' = 'firewall_rules',
): Promise<void> {
  const owner = await ctx
    .db(`${table} as r`)
    .join('networks as n', 'n.uuid', 'r.network_id')
    .where('r.uuid', ruleId)
    .first<{ account_id: string } | undefined>('n.account_id');
  if (!owner) throw fault('BadParameter', `The rule ${ruleId} was deleted`);
  await assertAccess(ctx, owner.account_id);
}

/** The VPC of an ACL. Throws unless the caller may act on it; the two ACLs that every VPC has belong to nobody. */
export async function vpcOfAcl(ctx: Context, aclId: string): Promise<string> {
  const acl = await ctx
    .db('network_acl as l')
    .leftJoin('vpc as p', 'p.uuid', 'l.vpc_id')
    .where('l.uuid', aclId)
    .whereNull('l.removed')
    .first<{ name: string; vpc_id: string | null; account_id: string | null } | undefined>('l.name', 'l.vpc_id', 'p.account_id'); // prettier-ignore
  if (!acl) throw fault('BadParameter', `The network ACL ${aclId} was deleted`);
  if (acl.vpc_id === null || acl.account_id === null)
    throw fault('BadParameter', `The network ACL ${acl.name} is built in and cannot be changed: make one with createNetworkACLList`); // prettier-ignore
  await assertAccess(ctx, acl.account_id);
  return acl.vpc_id;
}
