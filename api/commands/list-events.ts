import { listEvents as readEvents } from '../../db/events.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { EVENT, eventView } from '../views/event.js';
import { storedTime } from '../wire/dates.js';

export const listEvents = command({
  name: 'listEvents',
  description: 'A command to list events',
  roles: EVERYONE,
  params: {
    id: p.uuid('event', { description: 'the ID of the event' }),
    type: p.string({ description: 'the event type, such as KUBERNETES.CLUSTER.CREATE' }),
    level: p.string({ description: 'the event level: INFO, WARN or ERROR' }),
    startdate: p.date({ description: 'the start date range of the list' }),
    enddate: p.date({ description: 'the end date range of the list', endOfDay: true }),
    startid: p.uuid('event', { description: 'the parent/start ID of the event; lists it and its followers' }),
    resourceid: p.string({ description: 'the ID of the resource; needs resourcetype' }),
    resourcetype: p.string({ description: 'the type of the resource, such as KubernetesCluster' }),
    archived: p.boolean({ description: 'true to list archived events as well; none are', since: '4.19.0' }),
    state: p.string({ description: 'the state of the events', since: '4.21.0' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: EVENT,
  isList: true,
  async handler(ctx, params) {
    if (params.resourceid !== undefined && params.resourcetype === undefined)
      throw fault('BadParameter', 'Resource type must be specified with resource ID');
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const filter = {
      ...params,
      owners,
      since: params.startdate && storedTime(params.startdate),
      until: params.enddate && storedTime(params.enddate),
    };
    const { count, rows } = await readEvents(ctx.db, filter, await pageOf(ctx, params));
    return list(count, rows.map(eventView)); // prettier-ignore
  },
});
