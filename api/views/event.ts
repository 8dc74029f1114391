import type { EventListRow } from '../../db/events.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

export const EVENT = responseObject('event', {
  id: ['string', 'the ID of the event'],
  parentid: ['string', 'the first event of the same action'],
  type: ['string', 'the type of the event'],
  level: ['string', 'the event level: INFO, WARN or ERROR'],
  state: ['string', 'the state of the event: Created, Scheduled, Started or Completed'],
  description: ['string', 'a brief description of the event'],
  username: ['string', 'the name of the user who performed the action'],
  ...OWNER_FIELDS,
  resourcetype: ['string', 'the type of the resource'],
  resourceid: ['string', 'the id of the resource'],
  resourcename: ['string', 'the name of the resource'],
  created: ['date', 'the date the event was created'],
});

export const eventView = (row: EventListRow): Fields => ({
  id: row.uuid,
  parentid: row.start_id,
  type: row.type,
  level: row.level,
  state: row.state,
  description: row.description,
  username: row.username,
  ...ownerView(row),
  resourcetype: row.resource_type,
  resourceid: row.resource_id,
  resourcename: row.resource_name,
  created: wireDate(row.created),
});
