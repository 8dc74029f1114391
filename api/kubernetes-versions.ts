import type { Knex } from 'knex';
import type { TemplateRow, ZoneRow } from '../db/rows.js';
import { addImage } from '../db/templates.js';
import { addVersion, listVersions } from '../db/versions.js';
import { writeEvent } from '../db/write-event.js';
import { fault } from '../workflows/model/fault.js';
import { compareVersions } from '../workflows/model/versions.js';
import type { Context, Fields } from './command.js';
import { archProblem } from './images.js';
import { versionView } from './views/version.js';
import { badParameter } from './wire/errors.js';

const LOWEST = '1.11.0';

export interface VersionWish {
  name?: string;
  semanticversion: string;
  mincpunumber: number;
  minmemory: number;
  arch?: string;
  zoneid?: string;
}

/** The checks of a new version, in the original's order (`api.md` §2.4). Returns its zone; null: all zones. */
export async function checkVersion(ctx: Context, asked: VersionWish): Promise<ZoneRow | null> {
  const version = asked.semanticversion;
  if (!/^[\d.]*$/.test(version))
    throw badParameter(`Invalid version format: expected MAJOR.MINOR.PATCH in digits, found "${version.slice(0, 40)}"`);
  const wrong = archProblem(asked.arch);
  if (wrong !== undefined) throw badParameter(wrong);
  if (asked.mincpunumber < 2)
    throw fault('Refused', `Invalid value for mincpunumber: expected 2 or more, found ${asked.mincpunumber}`);
  if (asked.minmemory < 2048)
    throw fault('Refused', `Invalid value for minmemory: expected 2048 MB or more, found ${asked.minmemory}`);
  if (!/^\d{1,9}(\.\d{1,9}){2,}$/.test(version))
    throw badParameter(`Invalid version format: expected MAJOR.MINOR.PATCH, found "${version.slice(0, 40)}"`);
  if (compareVersions(version, LOWEST) < 0)
    throw fault('Refused', `New supported Kubernetes version cannot be lower than ${LOWEST}, found ${version}`);
  if (asked.zoneid === undefined || asked.zoneid === '-1') return null;
  const zone = await ctx.db<ZoneRow>('data_center').where({ uuid: asked.zoneid }).whereNull('removed').first();
  if (!zone) throw fault('Refused', `Invalid zone specified: ${asked.zoneid} was removed`);
  return zone;
}

/** Writes the version with its ISO, which is public, not bootable, and not fetched yet. */
export async function registerVersion(
  ctx: Context,
  trx: Knex.Transaction,
  asked: VersionWish,
  zone: ZoneRow | null,
  iso: Pick<TemplateRow, 'url' | 'checksum' | 'arch'> & Partial<TemplateRow>,
): Promise<{ versionId: string; isoId: string }> {
  const name = asked.name ?? `v${asked.semanticversion}${zone ? `-${zone.name}` : ''}`;
  const isoName = `${name}-Kubernetes-Binaries-ISO`;
  const { uuid: isoId } = await addImage(trx, {
    ...iso, kind: 'ISO', name: isoName, display_text: isoName, format: 'ISO', hypervisor: null, public: 1, account_id: ctx.caller.account.uuid, data_center_id: zone?.uuid ?? null,
  }); // prettier-ignore
  const versionId = await addVersion(trx, {
    name,
    semantic_version: asked.semanticversion,
    iso_id: isoId,
    zone_id: zone?.uuid ?? null,
    min_cpu: asked.mincpunumber,
    min_ram_size: asked.minmemory,
  });
  await versionEvent(ctx, trx, 'KUBERNETES.VERSION.ADD', `adding Kubernetes supported version ${name}`, versionId);
  return { versionId, isoId };
}

export const versionEvent = (ctx: Context, trx: Knex.Transaction, type: string, phrase: string, id: string) =>
  writeEvent(trx, {
    type,
    state: 'Completed',
    description: `Successfully completed ${phrase}`,
    user_id: ctx.caller.user.uuid,
    account_id: ctx.caller.account.uuid,
    domain_id: ctx.caller.domain.uuid,
    resource_type: 'KubernetesSupportedVersion',
    resource_id: id,
  });

/** The version as the list shows it. */
export async function renderVersion(ctx: Context, id: string): Promise<Fields> {
  const { rows } = await listVersions(ctx.db, { id }, { offset: 0 });
  if (!rows[0]) throw fault('Internal', `version ${id} has no row`);
  return versionView(rows[0], ctx.caller.role === 'A');
}
