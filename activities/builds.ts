import { readSettings } from '../db/configuration.js';
import { isServed, listRunsOfOtherBuilds, terminateRun } from '../workflows/client.js';
import { operationIdIn } from '../workflows/model/operation.js';
import type { Deps } from './deps.js';

/** Runs of one build that are asked in one look: one that answers speaks for its build. */
const ASKED = 3;

/**
 * Ends runs whose build has no worker any more: they are pinned to it, and nobody else may go on with them. `settle` is told of each
 * operation among them. Answers one look, to be repeated: a build counts as gone when it was silent in all looks of
 * `cks.build.gone.seconds`.
 */
export function lostBuilds(
  { db, temporal, log, buildId }: Deps,
  settle: (operationId: string, reason: string) => Promise<void>,
) {
  const silentSince = new Map<string, number>();

  return async function look(): Promise<void> {
    const runs = await listRunsOfOtherBuilds(temporal, buildId);
    for (const build of silentSince.keys()) if (!runs.has(build)) silentSince.delete(build);
    await Promise.all([...runs].map(([build, ids]) => lookAt(build, ids)));
  };

  async function lookAt(build: string, ids: readonly string[]): Promise<void> {
    const answers = await Promise.all(ids.slice(0, ASKED).map((id) => isServed(temporal, id)));
    if (answers.includes(true)) return void silentSince.delete(build);
    const since = silentSince.get(build) ?? Date.now();
    silentSince.set(build, since);
    if (Date.now() - since < (await readSettings(db))['cks.build.gone.seconds'] * 1000) return;
    const reason = `no worker of build ${build}, which began the run, is left`;
    for (const id of ids) {
      await terminateRun(temporal, id, reason);
      const operationId = operationIdIn(id);
      if (operationId !== undefined) await settle(operationId, reason);
      log.warn({ run: id, build }, 'ended a run whose build has no worker');
    }
  }
}
