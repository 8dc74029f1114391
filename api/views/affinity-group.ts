import { machinesOfGroups, readAffinityGroup, type AffinityGroupListRow } from '../../db/affinity.js';
import type { Db } from '../../db/knex.js';
import { responseObject, type Fields } from '../command.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

export const AFFINITY_GROUP = responseObject('affinitygroup', {
  id: ['string', 'the ID of the affinity group'],
  name: ['string', 'the name of the affinity group'],
  type: ['string', 'the type of the affinity group'],
  description: ['string', 'the description of the affinity group'],
  ...OWNER_FIELDS,
  virtualmachineIds: ['list', 'the IDs of the machines in the group'],
});

const affinityGroupView = (row: AffinityGroupListRow, machines: readonly string[]): Fields => ({
  id: row.uuid,
  name: row.name,
  type: row.type,
  description: row.description,
  ...ownerView(row),
  virtualmachineIds: machines,
});

/** The views of many groups: two more queries for all their machines. */
export async function affinityGroupViews(db: Db, rows: readonly AffinityGroupListRow[]): Promise<Fields[]> {
  const machines = await machinesOfGroups(db, rows.map(({ uuid }) => uuid)); // prettier-ignore
  return rows.map((row) => affinityGroupView(row, machines.get(row.uuid) ?? []));
}

/** One group's view; its id alone once it was deleted. */
export async function renderAffinityGroup(db: Db, id: string): Promise<Fields> {
  const row = await readAffinityGroup(db, id);
  return (row && (await affinityGroupViews(db, [row]))[0]) ?? { id };
}

export const AFFINITY_GROUP_TYPE = responseObject('affinityGroupType', {
  type: ['string', 'the affinity group type'],
});
