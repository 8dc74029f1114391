import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { transact, type Db } from '../db/knex.js';
import { readImage } from '../db/images.js';
import type { TemplateRow, ZoneRow } from '../db/rows.js';
import { removeImage, usersOfImage } from '../db/templates.js';
import { finishedJob } from '../db/finished-job.js';
import { writeEvent } from '../db/write-event.js';
import { startImageRun } from '../workflows/client.js';
import { fault, textOf } from '../workflows/model/fault.js';
import { checksumText, parseChecksum, uploadName, urlProblem } from '../workflows/model/image.js';
import type { Context } from './command.js';
import { failedJob } from './failed-job.js';
import { assertAccess } from './ownership.js';

const ARCHITECTURES = ['x86_64', 'aarch64'];

export interface Source {
  url: string;
  checksum: string | null;
  arch: string;
}

/** Why a template or ISO cannot be registered as it is described; undefined when it can. */
export const archProblem = (arch: string | undefined): string | undefined =>
  arch === undefined || ARCHITECTURES.includes(arch)
    ? undefined
    : `Invalid value for arch: expected ${ARCHITECTURES.join(' or ')}, found "${arch.slice(0, 40)}"`;

/** The URL and checksum as they are stored. Throws `refuse` of what is wrong with them. */
export function sourceOf(
  asked: { url: string; checksum?: string; arch?: string },
  refuse: (text: string) => Error,
): Source {
  const url = asked.url.trim();
  const problem = urlProblem(url);
  if (problem !== undefined) throw refuse(`Invalid value for url: ${problem}`);
  const checksum = asked.checksum === undefined ? undefined : parseChecksum(asked.checksum);
  if (checksum && 'problem' in checksum) throw refuse(`Invalid value for ${checksum.problem}`);
  return { url, checksum: checksum ? checksumText(checksum) : null, arch: asked.arch ?? 'x86_64' };
}

export const badImage = (text: string): Error => fault('BadParameter', text);

/** The zone that an image is for: its row, or null for all (`-1`). */
export async function zoneOf(db: Db, zoneId: string): Promise<ZoneRow | null> {
  if (zoneId === '-1') return null;
  const zone = await db<ZoneRow>('data_center').where({ uuid: zoneId }).whereNull('removed').first();
  if (!zone) throw badImage(`Unable to find zone by id ${zoneId}: it was removed`);
  return zone;
}

/** What is there in the database is fetched or removed later if Temporal does not answer now: the scan starts it. */
export async function startImage(ctx: Pick<Context, 'temporal' | 'log'>, imageId: string): Promise<void> {
  try {
    if (ctx.temporal) await startImageRun(ctx.temporal, imageId);
  } catch (error) {
    ctx.log.warn({ image: imageId, error: textOf(error) }, 'Temporal did not take the run; the scan will start it');
  }
}

export const imageEvent = (ctx: Context, trx: Db, type: string, phrase: string, image: string): Promise<string> =>
  writeEvent(trx, {
    type,
    state: 'Completed',
    description: `Successfully completed ${phrase}`,
    user_id: ctx.caller.user.uuid,
    account_id: ctx.caller.account.uuid,
    domain_id: ctx.caller.domain.uuid,
    resource_type: type.startsWith('ISO') ? 'Iso' : 'Template',
    resource_id: image,
  });

/** Deletes a template or ISO unless it is used; its copies go in the background. Returns the job, which is over. */
export async function deleteImage(ctx: Context, id: string, zoneId: string | undefined): Promise<string> {
  const image = await readImage(ctx.db, id);
  const what = image?.kind === 'ISO' ? 'ISO' : 'template';
  if (!image || image.removed !== null) return failedJob(ctx, `Unable to find ${what} by id ${id}: it was deleted`);
  await assertAccess(ctx, image.account_id);
  if (zoneId !== undefined && zoneId !== '-1' && image.data_center_id !== zoneId)
    return failedJob(ctx, `${what} ${image.name} is ${image.data_center_id === null ? 'for all zones: leave zoneid away to delete it everywhere' : 'not in this zone'}`); // prettier-ignore
  const jobId = await transact(ctx.db, async (trx) => {
    const users = await usersOfImage(trx, image);
    if (users.length > 0) return { users };
    await removeImage(trx, id);
    await imageEvent(ctx, trx, `${what.toUpperCase()}.DELETE`, `deleting ${what} ${image.name}`, id);
    return finishedJob(trx, {
      command: ctx.command.name,
      accountId: ctx.caller.account.uuid,
      userId: ctx.caller.user.uuid,
      result: { success: true },
    });
  });
  if (typeof jobId !== 'string')
    return failedJob(ctx, `Unable to delete ${what} ${image.name}: it is used by ${jobId.users.join(', ')}`);
  await forgetImage(ctx, image);
  return jobId;
}

/** Of an image that was removed: an uploaded file goes at once, the copies with the run. */
export async function forgetImage(ctx: Context, { uuid }: Pick<TemplateRow, 'uuid'>): Promise<void> {
  await rm(join(ctx.home, uploadName(uuid)), { force: true });
  await startImage(ctx, uuid);
}
