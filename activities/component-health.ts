import { ApplicationFailure } from '@temporalio/common';
import { COMPONENT, writeDetail } from '../db/clusters.js';
import type { Db } from '../db/knex.js';

/** Leaves as a component's health what `apply` answers, or why it failed; a cancelled try says nothing about it. */
export async function noteHealth(
  db: Db,
  clusterId: string,
  component: string,
  apply: () => Promise<string>,
): Promise<void> {
  const write = (health: string) => writeDetail(db, clusterId, `${COMPONENT}${component}`, health);
  try {
    await write(await apply());
  } catch (error) {
    if (error instanceof ApplicationFailure) await write(error.message.slice(0, 1000));
    throw error;
  }
}
