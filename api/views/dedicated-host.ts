import type { DedicationListRow } from '../../db/dedicated.js';
import { responseObject, type Fields } from '../command.js';

export const DEDICATED_HOST = responseObject('dedicatedhost', {
  id: ['string', 'the ID of the dedication'],
  hostid: ['string', 'the ID of the host'],
  hostname: ['string', 'the name of the host'],
  domainid: ['string', 'the domain that the host is dedicated to'],
  accountid: ['string', 'the account that the host is dedicated to; absent for a whole domain'],
  affinitygroupid: ['string', 'the affinity group that stands for the dedication'],
});

export const dedicatedHostView = (row: DedicationListRow): Fields => ({
  id: row.uuid,
  hostid: row.host_id,
  hostname: row.host_name,
  domainid: row.domain_id,
  accountid: row.account_id,
  affinitygroupid: row.affinity_group_id,
});
