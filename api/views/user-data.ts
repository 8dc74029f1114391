import type { UserDataListRow } from '../../db/user-data.js';
import { responseObject, type Fields } from '../command.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

const FIELDS = {
  id: ['string', 'ID of the user data'],
  name: ['string', 'name of the user data'],
  userdata: ['string', 'the content, base64'],
  params: ['string', 'comma-separated names of its variables'],
  ...OWNER_FIELDS,
  hasannotations: ['boolean', 'true if it has comments'],
} as const;

/** User data and CNI configurations are of one class; only their keys differ. */
export const USER_DATA = responseObject('userdata', FIELDS);
export const CNI_CONFIG = responseObject('cniconfig', FIELDS);

export const userDataView = (row: UserDataListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  userdata: row.data,
  params: row.params,
  ...ownerView(row),
  hasannotations: false,
});
