import { listTemplates as readTemplates } from '../../db/templates.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { shownBy } from '../template-filter.js';
import { TEMPLATE, templateViews } from '../views/template.js';

export const listTemplates = command({
  name: 'listTemplates',
  description: 'List all public, private, and privileged templates',
  roles: EVERYONE,
  params: {
    templatefilter: p.string({
      description:
        'possible values are "featured", "self", "selfexecutable", "shared", "sharedexecutable", "executable", "community", and "all" (admins)',
      required: true,
    }),
    id: p.uuid('template', { description: 'the template ID' }),
    ids: p.uuids('template', { description: 'the IDs of the templates, mutually exclusive with id', since: '4.9' }),
    name: p.string({ description: 'the template name' }),
    zoneid: p.uuid('zone', { description: 'list templates by zoneid' }),
    hypervisor: p.string({ description: 'the hypervisor for which to restrict the search' }),
    templatetype: p.string({ description: 'the type of the template; USER is the only one here', since: '4.19.0' }),
    forcks: p.boolean({ description: 'list templates that Kubernetes nodes may be made from', since: '4.21.0' }),
    arch: p.string({ description: 'the CPU arch of the template', since: '4.20' }),
    isready: p.boolean({ description: 'list templates that are ready to be deployed', since: '4.21.0' }),
    showunique: p.boolean({ description: 'if set to true, list only unique templates across zones' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: TEMPLATE,
  isList: true,
  async handler(ctx, params) {
    const shown = shownBy(ctx, params.templatefilter, await ownersOf(ctx, params, params.id !== undefined));
    if (!shown || (params.templatetype !== undefined && params.templatetype.toUpperCase() !== 'USER'))
      return list(0, []);
    const { count, rows } = await readTemplates(
      ctx.db,
      { ...params, ...shown, kind: 'TEMPLATE', ready: params.isready ?? shown.ready },
      await pageOf(ctx, params),
    );
    return list(count, await templateViews(ctx, rows));
  },
});
