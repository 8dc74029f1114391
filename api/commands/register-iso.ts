import { transact } from '../../db/knex.js';
import { addImage, listTemplates } from '../../db/templates.js';
import { command, EVERYONE, list } from '../command.js';
import { archProblem, badImage, imageEvent, sourceOf, startImage, zoneOf } from '../images.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { ISO, templateViews } from '../views/template.js';

/** Registers an ISO; its download to the hosts begins at once. */
export const registerIso = command({
  name: 'registerIso',
  description: 'Registers an existing ISO into the CloudStack Cloud.',
  roles: EVERYONE,
  params: {
    name: p.string({ description: 'the name of the ISO', required: true, length: 191 }),
    displaytext: p.string({ description: 'the display text of the ISO; default: its name' }),
    url: p.string({
      description: 'the URL to where the ISO is currently being hosted: http:// or https://',
      required: true,
      length: 2048,
    }),
    zoneid: p.uuid('zone', {
      description: 'the ID of the zone you wish to register the ISO to; -1: all zones',
      required: true,
    }),
    ostypeid: p.string({ description: 'the ID of the OS type; taken and not used' }),
    bootable: p.boolean({ description: 'true if this ISO is bootable; default true' }),
    ispublic: p.boolean({ description: 'true if you want to register the ISO to be publicly available to all users' }),
    isfeatured: p.boolean({ description: 'true if you want this ISO to be featured', roles: ['A'] }),
    isextractable: p.boolean({ description: 'true if the ISO or its derivatives are extractable' }),
    checksum: p.string({ description: 'the checksum of the ISO: {SHA-256}…, or plain MD5' }),
    directdownload: p.boolean({
      description: 'true if hosts fetch it themselves; the service fetches it here in any case',
    }),
    arch: p.string({ description: 'the CPU arch of the ISO: x86_64 (default) or aarch64', since: '4.20' }),
    ...OWNER,
  },
  response: ISO,
  async handler(ctx, asked) {
    const wrong = archProblem(asked.arch);
    if (wrong !== undefined) throw badImage(wrong);
    const source = sourceOf(asked, badImage);
    const { accountId } = await newOwner(ctx, asked);
    const zone = await zoneOf(ctx.db, asked.zoneid);
    const { uuid } = await transact(ctx.db, async (trx) => {
      const image = await addImage(trx, {
        ...source, kind: 'ISO', name: asked.name, display_text: asked.displaytext ?? asked.name, format: 'ISO', hypervisor: null, bootable: Number(asked.bootable ?? true),
        public: Number(asked.ispublic ?? false), featured: Number(asked.isfeatured ?? false), extractable: Number(asked.isextractable ?? false),
        direct_download: Number(asked.directdownload ?? false), account_id: accountId, data_center_id: zone?.uuid ?? null,
      }); // prettier-ignore
      await imageEvent(ctx, trx, 'ISO.CREATE', `registering ISO ${asked.name}`, image.uuid);
      return image;
    });
    await startImage(ctx, uuid);
    const owners = { kind: 'all' as const };
    const { count, rows } = await listTemplates(
      ctx.db,
      { kind: 'ISO', id: uuid, owners, withPublic: false },
      { offset: 0 },
    );
    return list(count, await templateViews(ctx, rows));
  },
});
