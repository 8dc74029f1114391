import { command, EVERYONE, list } from '../command.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { PROJECT } from '../views/account.js';

const { listall, account, domainid, isrecursive } = OWNERSHIP;

/** There are no projects yet; clients ask for them while they start. */
export const listProjects = command({
  name: 'listProjects',
  description: 'Lists projects and provides detailed information for listed projects',
  roles: EVERYONE,
  params: {
    id: p.uuid('project', { description: 'list projects by project ID' }),
    name: p.string({ description: 'list projects by name' }),
    displaytext: p.string({ description: 'list projects by display text' }),
    state: p.string({ description: 'list projects by state' }),
    listall,
    account,
    domainid,
    isrecursive,
    ...PAGING,
  },
  response: PROJECT,
  isList: true,
  handler: () => Promise.resolve(list(0, [])),
});
