import { transact } from '../../db/knex.js';
import { addImage, listTemplates } from '../../db/templates.js';
import { command, EVERYONE, list, type Context } from '../command.js';
import { archProblem, badImage, imageEvent, sourceOf, startImage, zoneOf } from '../images.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { TEMPLATE, templateViews } from '../views/template.js';

const FORMATS = ['QCOW2', 'RAW', 'TAR'];

/** The hypervisor as hosts or zones spell it. */
async function hypervisorNamed({ db }: Context, given: string): Promise<string> {
  const zones = await db('data_center').whereNull('removed').distinct<{ word: string }[]>('hypervisor as word');
  const hosts = await db('host').whereNull('removed').distinct<{ word: string }[]>('hypervisor_type as word');
  const known = [...new Set([...zones, ...hosts].map(({ word }) => word).concat('KVM', 'LXC'))];
  const found = known.find((each) => each.toLowerCase() === given.toLowerCase());
  if (found === undefined)
    throw badImage(`Invalid value for hypervisor: expected ${known.join(', ')}, found "${given.slice(0, 40)}"`);
  return found;
}

/** Registers a template; its download to the hosts begins at once. One for each zone of `zoneids`. */
export const registerTemplate = command({
  name: 'registerTemplate',
  description: 'Registers an existing template into the CloudStack cloud.',
  roles: EVERYONE,
  params: {
    name: p.string({ description: 'the name of the template', required: true, length: 191 }),
    displaytext: p.string({ description: 'the display text of the template; default: its name' }),
    url: p.string({
      description: 'the URL of where the template is hosted: http:// or https://',
      required: true,
      length: 2048,
    }),
    format: p.string({
      description: 'the format of the template: QCOW2, RAW, or TAR (a root file system for containers)',
      required: true,
    }),
    hypervisor: p.string({ description: 'the target hypervisor for the template', required: true }),
    zoneid: p.uuid('zone', { description: 'the ID of the zone the template is to be hosted on; -1: all zones' }),
    zoneids: p.uuids('zone', {
      description: 'the IDs of the zones, mutually exclusive with zoneid',
      since: '4.10.0.0',
    }),
    ostypeid: p.string({ description: 'the ID of the OS type; taken and not used' }),
    forcks: p.boolean({ description: 'if true, Kubernetes nodes may be made from it', since: '4.21.0' }),
    arch: p.string({ description: 'the CPU arch of the template: x86_64 (default) or aarch64', since: '4.20' }),
    ispublic: p.boolean({ description: 'true if the template is available to all accounts' }),
    isfeatured: p.boolean({ description: 'true if this template is a featured template', roles: ['A'] }),
    isextractable: p.boolean({ description: 'true if the template or its derivatives are extractable' }),
    passwordenabled: p.boolean({ description: 'true if the template supports the password reset feature' }),
    requireshvm: p.boolean({ description: 'true if this template requires HVM; default true' }),
    checksum: p.string({ description: 'the checksum of the template: {SHA-256}…, or plain MD5' }),
    directdownload: p.boolean({
      description: 'true if hosts fetch it themselves; the service fetches it here in any case',
    }),
    deployasis: p.boolean({ description: 'for VMware only; not used', since: '4.15.1' }),
    details: p.details({ description: 'template details in key/value pairs' }),
    ...OWNER,
  },
  response: TEMPLATE,
  async handler(ctx, asked) {
    if (asked.zoneid !== undefined && asked.zoneids !== undefined)
      throw badImage('Both zoneid and zoneids cannot be specified at the same time');
    if (asked.zoneid === undefined && !asked.zoneids?.length)
      throw badImage('Either zoneid or zoneids is required. Both cannot be null.');
    const format = asked.format.toUpperCase();
    if (!FORMATS.includes(format))
      throw badImage(`Invalid value for format: expected ${FORMATS.join(', ')}, found "${asked.format}"`);
    const wrong = archProblem(asked.arch);
    if (wrong !== undefined) throw badImage(wrong);
    const source = sourceOf(asked, badImage);
    if (format !== 'TAR' && /\.(gz|bz2|xz|zip|zst)$/i.test(new URL(source.url).pathname))
      throw badImage(
        `Invalid value for url: expected a ${format} file as it is, found a compressed one; unpack it first`,
      );
    const { accountId } = await newOwner(ctx, asked);
    const zones = await Promise.all((asked.zoneids ?? [asked.zoneid]).map((id) => zoneOf(ctx.db, id)));
    const hypervisor = await hypervisorNamed(ctx, asked.hypervisor);
    const ids = await transact(ctx.db, async (trx) => {
      const made: string[] = [];
      for (const zone of zones) {
        const { uuid } = await addImage(trx, {
          ...source, kind: 'TEMPLATE', name: asked.name, display_text: asked.displaytext ?? asked.name, format, hypervisor,
          for_cks: Number(asked.forcks ?? false), public: Number(asked.ispublic ?? false), featured: Number(asked.isfeatured ?? false), direct_download: Number(asked.directdownload ?? false),
          extractable: Number(asked.isextractable ?? false), password_enabled: Number(asked.passwordenabled ?? false), requires_hvm: Number(asked.requireshvm ?? true),
          details: asked.details && Object.keys(asked.details).length > 0 ? JSON.stringify(asked.details) : null, account_id: accountId, data_center_id: zone?.uuid ?? null,
        }); // prettier-ignore
        await imageEvent(ctx, trx, 'TEMPLATE.CREATE', `registering template ${asked.name}`, uuid);
        made.push(uuid);
      }
      return made;
    });
    for (const id of ids) await startImage(ctx, id);
    const owners = { kind: 'all' as const };
    const { count, rows } = await listTemplates(
      ctx.db,
      { kind: 'TEMPLATE', ids, owners, withPublic: false },
      { offset: 0 },
    );
    return list(count, await templateViews(ctx, rows));
  },
});
