import { listNetworks as readNetworks } from '../../db/networks.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { NETWORK, networkView } from '../views/network.js';

export const listNetworks = command({
  name: 'listNetworks',
  description: 'Lists all available networks',
  roles: EVERYONE,
  params: {
    id: p.uuid('network', { description: 'list networks by ID' }),
    name: p.string({ description: 'list networks by name', since: '4.22' }),
    zoneid: p.uuid('zone', { description: 'the zone ID of the network' }),
    type: p.string({ description: 'the type of the network: Isolated, Shared or L2' }),
    networkofferingid: p.uuid('networkOffering', { description: 'list networks by network offering ID' }),
    forvpc: p.boolean({ description: 'the network belongs to VPC' }),
    issystem: p.boolean({ description: 'true if network is system, false otherwise' }),
    traffictype: p.string({ description: 'type of the traffic; Guest is the only one here' }),
    canusefordeploy: p.boolean({ description: 'list networks available for machine deployment; all are' }),
    supportedservices: p.list({ description: 'list networks supporting certain services' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: NETWORK,
  isList: true,
  async handler(ctx, params) {
    if (params.forvpc || params.issystem || params.canusefordeploy === false) return list(0, []);
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await readNetworks(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map((row) => networkView(row, ctx.caller.role === 'A'))); // prettier-ignore
  },
});
