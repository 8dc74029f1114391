import { listProjects, type ProjectListRow } from '../../db/projects.js';
import type { Db } from '../../db/knex.js';
import { fault } from '../../workflows/model/fault.js';
import { fields, responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';

const PROJECT_OWNER = fields({
  account: ['string', 'an account that administers the project'],
  userid: ['string', 'the ID of a user of that account'],
  user: ['string', 'the name of a user of that account'],
});

export const PROJECT = responseObject('project', {
  id: ['string', 'the id of the project'],
  name: ['string', 'the name of the project'],
  displaytext: ['string', 'the displaytext of the project'],
  domainid: ['string', 'the id of its domain'],
  domain: ['string', 'the name of its domain'],
  state: ['string', 'the state of the project'],
  owner: ['list', 'the accounts that administer the project, with their users', PROJECT_OWNER],
  projectaccountname: ['string', 'name of the account that owns what the project owns'],
  created: ['date', 'the date when this project was created'],
  tags: ['list', 'the list of resource tags'],
});

export const projectView = (row: ProjectListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  domainid: row.domain_id,
  domain: row.domain,
  state: row.state,
  owner: row.owners,
  projectaccountname: row.account_name,
  created: wireDate(row.created),
  tags: [],
});

export async function renderProject(db: Db, id: string): Promise<Fields> {
  const { rows } = await listProjects(db, { id, owners: { kind: 'all' } }, { limit: 1, offset: 0 });
  if (!rows[0]) throw fault('Internal', `there is no project ${id} to show`);
  return projectView(rows[0]);
}
