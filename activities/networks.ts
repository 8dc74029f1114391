import { transact } from '../db/knex.js';
import { lockRoot, openNetworkChanges, readChangeInput, settleNetworkChange } from '../db/network-changes.js';
import { takePublicAddress } from '../db/public-addresses.js';
import { readGatewayFacts, readRulesVersion } from '../db/rules.js';
import type { NetworkRow } from '../db/rows.js';
import { isNetworkRunOpen, startNetworkRun } from '../workflows/client.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { NetworkChangeInput, NetworkOutcome } from '../workflows/model/network-change.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';
import { renderGateway } from './gateway/render.js';

type Needs = Pick<Deps, 'db' | 'openGateway'>;

/** Rules change under whoever applies them only when others are at work too. */
const MOST_ROUNDS = 10;
/** Seconds after which a change's run must exist; younger ones are being started. */
const START_GRACE = 3;

/** Changes of users' networks and rules on their way to a gateway. */
export const networkActivities = ({ db, openGateway }: Deps) => ({
  /** Leaves the gateway with what the rows of the network, or of the VPC that it is a tier of, say. */
  ensureNetworkApplied: (input: NetworkChangeInput): Promise<void> =>
    beating(() => applyNetworkRows({ db, openGateway }, input)),

  settleNetworkChange: (jobId: string, outcome: NetworkOutcome): Promise<void> =>
    settleNetworkChange(db, jobId, outcome),
});

/** Applies the rows, again while they change. A network that is being deleted, or a VPC without tiers, is taken off the gateway. */
export async function applyNetworkRows(
  { db, openGateway }: Needs,
  { networkId, vpcId }: Pick<NetworkChangeInput, 'networkId' | 'vpcId'>,
): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const facts = await readGatewayFacts(db, vpcId === null ? { networkId: networkId ?? '' } : { vpcId });
    // Deleted by an earlier attempt of the same change.
    if (!facts) return;
    const gateway = openGateway(facts.zone);
    if (facts.networks.length === 0) await gateway.ensureAbsent(facts.id);
    else await gateway.apply(await renderGateway(db, facts));
    if ((await readRulesVersion(db, facts)) === facts.version) return;
  }
  throw fault('GatewayFailed', `the rules of network ${networkId ?? vpcId} change faster than its gateway can follow`);
}

/**
 * Leaves an isolated network, or tier, on its gateway, with a source NAT address: what its first machine needs. A shared network has
 * no gateway.
 */
export async function ensureNetworkImplemented({ db, openGateway }: Needs, networkId: string): Promise<void> {
  const root = await transact(db, async (trx) => {
    const held = await lockRoot(trx, { networkId });
    const network = held.network!;
    if (network.guest_type === 'Shared' || network.state === 'Implemented') return undefined;
    const of = held.vpc ? { vpc_id: held.vpc.uuid } : { network_id: networkId };
    if (
      !(await trx('user_ip_address')
        .where({ ...of, source_nat: 1 })
        .first<object | undefined>('uuid'))
    )
      await takePublicAddress(trx, { ...held, live: false });
    // From here on a change of its rules waits for the gateway.
    await trx('networks').where({ uuid: networkId }).update({ state: 'Implementing' });
    return held;
  });
  if (!root) return;
  await applyNetworkRows({ db, openGateway }, { networkId, vpcId: root.vpc?.uuid ?? null });
  await db<NetworkRow>('networks').where({ uuid: networkId, state: 'Implementing' }).update({ state: 'Implemented' });
}

/**
 * Starts changes that have no run, and ends those whose run is gone without settling them: their rows go back to what they were. For
 * the scan.
 */
export async function resumeNetworkJobs({ db, temporal, log }: Pick<Deps, 'db' | 'temporal' | 'log'>): Promise<void> {
  for (const change of await openNetworkChanges(db, START_GRACE)) {
    try {
      if (await startNetworkRun(temporal, await readChangeInput(db, change))) {
        log.info({ job: change.job_id }, 'started a network change that had no run');
        continue;
      }
      if (await isNetworkRunOpen(temporal, change.job_id)) continue;
      log.warn({ job: change.job_id }, 'ended a network change whose run is gone');
      await settleNetworkChange(db, change.job_id, { ok: false, reason: 'its Temporal run was terminated or lost' });
    } catch (error) {
      log.warn({ job: change.job_id, error: textOf(error) }, 'the scan could not look after a network change');
    }
  }
}
