import { listVersions, readVersion } from '../../db/versions.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, list, type Context } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { isAtLeast, VERSION, versionView } from '../views/version.js';
import { badParameter } from '../wire/errors.js';

async function lowestOf(
  ctx: Context,
  semantic: string | undefined,
  id: string | undefined,
): Promise<string | undefined> {
  if (semantic !== undefined && id !== undefined)
    throw fault('Refused', 'Both minimumkubernetesversionid and minimumsemanticversion can not be specified');
  const lowest = id === undefined ? semantic : (await readVersion(ctx.db, id))?.semantic_version;
  if (lowest !== undefined && !/^\d+\.\d+\.\d+$/.test(lowest))
    throw badParameter(
      `Invalid version format, semantic version should be of the form MAJOR.MINOR.PATCH, found "${lowest.slice(0, 40)}"`,
    );
  return lowest;
}

export const listKubernetesSupportedVersions = command({
  name: 'listKubernetesSupportedVersions',
  description: 'Lists supported Kubernetes version',
  roles: EVERYONE,
  kubernetes: true,
  wraps: false,
  params: {
    id: p.uuid('version', { description: 'the ID of the Kubernetes supported version' }),
    zoneid: p.uuid('zone', {
      description: 'the ID of the zone in which Kubernetes supported version will be available',
    }),
    minimumsemanticversion: p.string({
      description: 'the minimum semantic version for the Kubernetes supported version to be listed',
    }),
    minimumkubernetesversionid: p.uuid('version', {
      description: 'the ID of the minimum Kubernetes supported version',
    }),
    arch: p.string({ description: 'the CPU arch of the binaries ISO', since: '4.20' }),
    ...PAGING,
  },
  response: VERSION,
  isList: true,
  async handler(ctx, params) {
    const lowest = await lowestOf(ctx, params.minimumsemanticversion, params.minimumkubernetesversionid);
    const { count, rows } = await listVersions(ctx.db, params, await pageOf(ctx, params));
    // The minimum is applied to the page that was read, as in the original: `count` may exceed the items.
    const shown = rows.filter((row) => lowest === undefined || isAtLeast(row.semantic_version, lowest));
    return list(count, shown.map((row) => versionView(row, ctx.caller.role === 'A'))); // prettier-ignore
  },
});
