import { randomUUID } from 'node:crypto';
import { transact } from '../../db/knex.js';
import { fault } from '../../workflows/model/fault.js';
import { checksumText, parseChecksum, uploadUrl } from '../../workflows/model/image.js';
import { ADMIN, command, object, responseObject } from '../command.js';
import { checkVersion, registerVersion } from '../kubernetes-versions.js';
import { OWNER, p } from '../params.js';
import { uploadParams } from '../upload.js';
import { badParameter } from '../wire/errors.js';

const UPLOAD = responseObject('getuploadparams', {
  id: ['string', 'the ID of the binaries ISO'],
  postURL: ['string', 'where to POST the file to, as multipart/form-data'],
  metadata: ['string', 'to be sent as header x-metadata'],
  expires: ['string', 'until when; to be sent as header x-expires'],
  signature: ['string', 'to be sent as header x-signature'],
});

/** Makes a version whose ISO is not fetched but sent: `isostate` is NotUploaded until then. */
export const getUploadParamsForKubernetesSupportedVersion = command({
  name: 'getUploadParamsForKubernetesSupportedVersion',
  description: 'Upload a Kubernetes binaries ISO: returns where and how',
  since: '4.22.0',
  roles: ADMIN,
  kubernetes: true,
  params: {
    name: p.string({ description: 'the name of the version', required: true, length: 150 }),
    semanticversion: p.string({ description: 'the semantic version of the Kubernetes version', required: true }),
    format: p.string({ description: 'ISO', required: true }),
    zoneid: p.uuid('zone', { description: 'the ID of the zone in which it will be available', required: true }),
    mincpunumber: p.integer({
      description: 'the minimum number of CPUs to be set with the Kubernetes version',
      required: true,
    }),
    minmemory: p.integer({
      description: 'the minimum RAM size in MB to be set with the Kubernetes version',
      required: true,
    }),
    checksum: p.string({ description: 'the checksum of the binaries ISO: {SHA-256}…, or plain MD5' }),
    arch: p.string({ description: 'the CPU arch of the binaries ISO: x86_64 (default) or aarch64' }),
    ...OWNER,
  },
  response: UPLOAD,
  async handler(ctx, asked) {
    if (asked.zoneid === '-1') throw badParameter('Invalid value for zoneid: expected a zone, found -1');
    const zone = await checkVersion(ctx, asked);
    if (asked.format.toUpperCase() !== 'ISO')
      throw fault('Refused', `Invalid value for format: expected ISO, found "${asked.format}"`);
    const checksum = asked.checksum === undefined ? undefined : parseChecksum(asked.checksum);
    if (checksum && 'problem' in checksum) throw fault('Refused', `Invalid value for ${checksum.problem}`);
    const uuid = randomUUID();
    const settings = await ctx.settings();
    return transact(ctx.db, async (trx) => {
      await registerVersion(ctx, trx, asked, zone, {
        uuid,
        url: uploadUrl(uuid),
        checksum: checksum ? checksumText(checksum) : null,
        arch: asked.arch ?? 'x86_64',
        state: 'NotUploaded',
      });
      return object(await uploadParams({ db: trx, sealer: ctx.sealer, settings, now: ctx.now() }, uuid));
    });
  },
});
