import { addDomain } from '../../db/add-account.js';
import { listDomains } from '../../db/accounts.js';
import type { DomainRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { command, object } from '../command.js';
import { accessibleDomain } from '../ownership.js';
import { p } from '../params.js';
import { actorOf } from '../project-rights.js';
import { DOMAIN, domainView } from '../views/account.js';

export const createDomain = command({
  name: 'createDomain',
  description: 'Creates a domain',
  roles: ['A', 'D'],
  params: {
    name: p.string({ description: 'name of the domain', required: true, length: 60 }),
    parentdomainid: p.uuid('domain', { description: "domain above it; default: the caller's" }),
  },
  response: DOMAIN,
  async handler(ctx, asked) {
    if (/[/\\]/.test(asked.name) || asked.name.trim() === '')
      throw fault('BadParameter', `Invalid name of a domain: "${asked.name}"; it is a part of a path, without slashes`);
    const { uuid } = await accessibleDomain(ctx, asked.parentdomainid ?? ctx.caller.domain.uuid);
    const parent = (await ctx.db<DomainRow>('domain').where({ uuid }).first())!;
    const made = await addDomain(ctx.db, asked.name, parent, actorOf(ctx));
    if ('taken' in made)
      throw fault('BadParameter', `Domain with name ${asked.name} already exists below ${parent.name}`);
    const { rows } = await listDomains(ctx.db, { id: made.uuid, owners: { kind: 'all' } }, { limit: 1, offset: 0 });
    return object(domainView(rows[0]!));
  },
});
