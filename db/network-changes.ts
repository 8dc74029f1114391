import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import {
  NETWORK_CHANGES,
  type NetworkChangeInput,
  type NetworkChangeKind,
  type NetworkOutcome,
} from '../workflows/model/network-change.js';
import { now, nowPlus, transact, type Db } from './knex.js';
import { EFFECTS, type WasBefore } from './network-effects.js';
import type { NetworkChangeRow, NetworkRow, VpcRow } from './rows.js';
import { writeEvent } from './write-event.js';
import { readZoneQueue } from './zone-queue.js';

const COMMANDS = 'org.apache.cloudstack.api.command.user';

export interface Acting {
  accountId: string;
  userId: string;
}

/** What is applied to a gateway as one: an isolated network, or a VPC with its tiers. Held by the transaction that locked it. */
export interface Root {
  network: NetworkRow | undefined;
  vpc: VpcRow | undefined;
  zoneId: string;
  /** Who owns it, and so its addresses and rules. */
  accountId: string;
  domainId: string;
  /** False while no gateway has it: changes are rows only. */
  live: boolean;
}

const LIVE = ['Implementing', 'Implemented'];

/** Locks the network, or the VPC that it is a tier of, and counts its version up: to be called before anything of it is decided. */
export async function lockRoot(trx: Knex.Transaction, of: { networkId: string } | { vpcId: string }): Promise<Root> {
  const networkId = 'networkId' in of ? of.networkId : undefined;
  const read = () =>
    trx<NetworkRow>('networks')
      .where({ uuid: networkId ?? '' })
      .first();
  const vpcId = 'vpcId' in of ? of.vpcId : ((await read())?.vpc_id ?? undefined);
  const held = await trx(vpcId === undefined ? 'networks' : 'vpc')
    .where({ uuid: vpcId ?? networkId ?? '' })
    .whereNull('removed')
    .update({ rules_version: trx.raw('rules_version + 1') });
  const network = networkId === undefined ? undefined : await read();
  if (held !== 1 || (networkId !== undefined && network?.removed !== null))
    throw fault('BadParameter', `The ${vpcId !== undefined && networkId === undefined ? 'VPC' : 'network'} ${networkId ?? vpcId} was deleted`); // prettier-ignore
  if (network?.state === 'Destroy') throw fault('BadParameter', `Network ${network.name} is being deleted`);
  const vpc = vpcId === undefined ? undefined : await trx<VpcRow>('vpc').where({ uuid: vpcId }).first();
  if (vpc?.state === 'Inactive') throw fault('BadParameter', `VPC ${vpc.name} is being deleted`);
  const owner = (vpc ?? network)!;
  const live = vpc
    ? (await trx('networks').where({ vpc_id: vpc.uuid }).whereIn('state', LIVE).whereNull('removed').first('uuid')) !==
      undefined
    : LIVE.includes(network!.state);
  return {
    network,
    vpc,
    zoneId: owner.data_center_id,
    accountId: owner.account_id,
    domainId: owner.domain_id,
    live,
  };
}

export interface NewNetworkChange {
  kind: NetworkChangeKind;
  objectId: string;
  /** How messages call the object. */
  name: string;
  was?: WasBefore;
  by: Acting;
  /** Why the job fails at once. */
  refusal?: string;
}

export interface QueuedNetworkChange {
  jobId: string;
  kind: NetworkChangeKind;
  objectId: string;
  /** The run to start; none where the job is over already. */
  run?: NetworkChangeInput;
}

/** Writes the job of a change whose rows the same transaction has written. Without a gateway to follow, the job is over at once. */
export async function queueNetworkChange(
  trx: Knex.Transaction,
  root: Root,
  { kind, objectId, name, was, by, refusal }: NewNetworkChange,
): Promise<QueuedNetworkChange> {
  const rule = NETWORK_CHANGES[kind];
  const jobId = randomUUID();
  const queue = await readZoneQueue(trx, root.zoneId);
  const input: NetworkChangeInput = {
    jobId,
    networkId: root.network?.uuid ?? null,
    vpcId: root.vpc?.uuid ?? null,
    ...(queue && { queue }),
  };
  await trx('async_job').insert({
    uuid: jobId,
    job_cmd: `${COMMANDS}.${rule.cmd}`,
    instance_type: rule.resource,
    account_id: by.accountId,
    user_id: by.userId,
    job_status: 0,
    job_result_code: 0,
    created: now(trx),
  });
  await trx('network_change').insert({
    job_id: jobId,
    network_id: input.networkId,
    vpc_id: input.vpcId,
    kind,
    object_id: objectId,
    name: name.slice(0, 255),
    was: was ? JSON.stringify(was) : null,
    user_id: by.userId,
    account_id: root.accountId,
    domain_id: root.domainId,
    created: now(trx),
  });
  const change = (await trx<NetworkChangeRow>('network_change').where({ job_id: jobId }).first())!;
  if (refusal !== undefined) await end(trx, change, { ok: false, reason: refusal }, false);
  else if (!root.live) await end(trx, change, { ok: true }, true);
  else {
    await writeEvent(trx, { ...eventOf(change), state: 'Scheduled', description: `${rule.phrase} ${name}` });
    return { jobId, kind, objectId, run: input };
  }
  return { jobId, kind, objectId };
}

/** The only end of a change: rows, job and event in one transaction. A second call does nothing. */
export const settleNetworkChange = (db: Knex, jobId: string, outcome: NetworkOutcome): Promise<void> =>
  transact(db, async (trx) => {
    const open = await readNetworkChange(trx, jobId);
    if (!open || open.ended !== null) return;
    // Those who decide about its rows hold the root: what they see must not change under them.
    await trx(open.vpc_id === null ? 'networks' : 'vpc')
      .where({ uuid: open.vpc_id ?? open.network_id ?? '' })
      .update({ rules_version: trx.raw('rules_version + 1') });
    const change = await readNetworkChange(trx, jobId);
    if (change?.ended === null) await end(trx, change, outcome, true);
  });

async function end(
  trx: Knex.Transaction,
  change: NetworkChangeRow,
  { ok, reason }: NetworkOutcome,
  changesRows: boolean,
): Promise<void> {
  const { object, action, phrase, answers } = NETWORK_CHANGES[change.kind];
  await trx('network_change')
    .where({ job_id: change.job_id })
    .update({ ended: now(trx) });
  if (changesRows) {
    const was = change.was === null ? {} : (JSON.parse(change.was) as WasBefore);
    const effects = EFFECTS[object];
    if (action === 'create') await (ok ? effects.made : effects.gone)?.(trx, change.object_id, was);
    else if (action === 'delete') await (ok ? effects.gone : effects.kept)?.(trx, change.object_id, was);
    else await (ok ? effects.changed : effects.restored)?.(trx, change.object_id, was);
  }
  const errortext = `Error while ${phrase} ${change.name}: ${reason ?? 'it failed'}`;
  const result = ok
    ? answers
      ? { object: object === 'egressfirewallrule' ? 'firewallrule' : object, id: change.object_id }
      : { success: true }
    : { errorcode: 530, errortext };
  await trx('async_job')
    .where({ uuid: change.job_id, job_status: 0 })
    .update({
      job_status: ok ? 1 : 2,
      job_result_code: ok ? 0 : 530,
      job_result: JSON.stringify(result),
      removed: now(trx),
    });
  await writeEvent(trx, {
    ...eventOf(change),
    state: 'Completed',
    level: ok ? 'INFO' : 'ERROR',
    description: ok ? `Successfully completed ${phrase} ${change.name}` : errortext,
  });
}

const eventOf = (change: NetworkChangeRow) => ({
  type: NETWORK_CHANGES[change.kind].event,
  user_id: change.user_id,
  account_id: change.account_id,
  domain_id: change.domain_id,
  resource_type: NETWORK_CHANGES[change.kind].resource,
  resource_id: change.object_id,
});

export const readNetworkChange = (db: Db, jobId: string): Promise<NetworkChangeRow | undefined> =>
  Promise.resolve(db<NetworkChangeRow>('network_change').where({ job_id: jobId }).first());

/** Changes that are not over and older than a moment: each should have a run. */
export const openNetworkChanges = (db: Db, olderThanSeconds: number): Promise<NetworkChangeRow[]> =>
  Promise.resolve(
    db<NetworkChangeRow>('network_change')
      .whereNull('ended')
      .where('created', '<', nowPlus(db, -olderThanSeconds))
      .orderBy('id'),
  );

/** What the run of a change that is there starts with. */
export async function readChangeInput(db: Db, change: NetworkChangeRow): Promise<NetworkChangeInput> {
  const owner = await db(change.vpc_id === null ? 'networks' : 'vpc')
    .where({ uuid: change.vpc_id ?? change.network_id ?? '' })
    .first<{ data_center_id: string } | undefined>('data_center_id');
  const queue = owner && (await readZoneQueue(db, owner.data_center_id));
  return {
    jobId: change.job_id,
    networkId: change.network_id,
    vpcId: change.vpc_id,
    ...(queue && { queue }),
  };
}
