import { listTemplates as readTemplates } from '../../db/templates.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { shownBy } from '../template-filter.js';
import { ISO, templateViews } from '../views/template.js';

export const listIsos = command({
  name: 'listIsos',
  description: 'Lists all available ISO files',
  roles: EVERYONE,
  params: {
    isofilter: p.string({
      description:
        'possible values are "featured", "self", "selfexecutable", "shared", "sharedexecutable", "executable", "community", and "all" (admins); default selfexecutable',
    }),
    id: p.uuid('iso', { description: 'list ISO by ID' }),
    name: p.string({ description: 'list all ISOs by name' }),
    zoneid: p.uuid('zone', { description: 'the ID of the zone' }),
    bootable: p.boolean({ description: 'true if the ISO is bootable; media of Kubernetes versions are not' }),
    ispublic: p.boolean({ description: 'true if the ISO is publicly available to all users' }),
    isready: p.boolean({ description: 'true if this ISO is ready to be deployed' }),
    arch: p.string({ description: 'the CPU arch of the ISO', since: '4.20' }),
    showunique: p.boolean({ description: 'if set to true, list only unique isos across zones' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: ISO,
  isList: true,
  async handler(ctx, params) {
    const shown = shownBy(
      ctx,
      params.isofilter ?? 'selfexecutable',
      await ownersOf(ctx, params, params.id !== undefined),
    );
    if (!shown) return list(0, []);
    const { isready, ispublic } = params;
    const filter = {
      ...params,
      ...shown,
      kind: 'ISO' as const,
      ready: isready ?? shown.ready,
      public: ispublic ?? shown.public,
    };
    const { count, rows } = await readTemplates(ctx.db, filter, await pageOf(ctx, params));
    return list(count, await templateViews(ctx, rows));
  },
});
