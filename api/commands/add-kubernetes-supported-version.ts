import { transact } from '../../db/knex.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, object } from '../command.js';
import { sourceOf, startImage } from '../images.js';
import { checkVersion, registerVersion, renderVersion } from '../kubernetes-versions.js';
import { p } from '../params.js';
import { VERSION } from '../views/version.js';

const refused = (text: string) => fault('Refused', text);

/** The version is enabled at once; clusters can be made with it once its ISO is Ready. */
export const addKubernetesSupportedVersion = command({
  name: 'addKubernetesSupportedVersion',
  description: 'Add a supported Kubernetes version',
  roles: ADMIN,
  kubernetes: true,
  params: {
    semanticversion: p.string({ description: 'the semantic version of the Kubernetes version', required: true }),
    mincpunumber: p.integer({
      description: 'the minimum number of CPUs to be set with the Kubernetes version',
      required: true,
    }),
    minmemory: p.integer({
      description: 'the minimum RAM size in MB to be set with the Kubernetes version',
      required: true,
    }),
    name: p.string({
      description: 'the name; default v<semanticversion>, with the name of the zone if there is one',
      length: 150,
    }),
    zoneid: p.uuid('zone', { description: 'the ID of the zone in which it will be available; default: all' }),
    url: p.string({ description: 'the URL of the binaries ISO: http:// or https://', length: 2048 }),
    checksum: p.string({ description: 'the checksum of the binaries ISO: {SHA-256}…, or plain MD5' }),
    directdownload: p.boolean({
      description: 'true if hosts fetch the ISO themselves; the service fetches it here in any case',
      since: '4.18.2',
    }),
    arch: p.string({ description: 'the CPU arch of the binaries ISO: x86_64 (default) or aarch64', since: '4.20' }),
  },
  response: VERSION,
  async handler(ctx, asked) {
    const zone = await checkVersion(ctx, asked);
    if (!asked.url?.trim()) throw refused('Invalid value for url: the URL of the binaries ISO is needed');
    const source = sourceOf({ ...asked, url: asked.url }, refused);
    const iso = { ...source, direct_download: Number(asked.directdownload ?? false) };
    const { versionId, isoId } = await transact(ctx.db, (trx) => registerVersion(ctx, trx, asked, zone, iso));
    await startImage(ctx, isoId);
    return object(await renderVersion(ctx, versionId));
  },
});
