import { listNetworkOfferings as readOfferings } from '../../db/offerings.js';
import { command, EVERYONE, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { NETWORK_OFFERING, networkOfferingView } from '../views/offering.js';

export const listNetworkOfferings = command({
  name: 'listNetworkOfferings',
  description: 'Lists all available network offerings',
  roles: EVERYONE,
  params: {
    id: p.uuid('networkOffering', { description: 'list network offerings by ID' }),
    name: p.string({ description: 'list network offerings by name' }),
    state: p.string({ description: 'list network offerings by state' }),
    zoneid: p.uuid('zone', { description: 'list network offerings available in the zone; all are in every zone' }),
    guestiptype: p.string({ description: 'list network offerings by guest type: Shared or Isolated' }),
    traffictype: p.string({ description: 'list by traffic type; Guest is the only one here' }),
    forvpc: p.boolean({ description: 'the network offering can be used only for network creation inside the VPC' }),
    specifyvlan: p.boolean({ description: 'the network offering joins machines to a VLAN or bridge of the hosts' }),
    isdefault: p.boolean({ description: 'true if need to list only default network offerings' }),
    networkid: p.uuid('network', { description: 'the ID of the network' }),
    supportedservices: p.list({ description: 'list network offerings supporting certain services' }),
    routingmode: p.string({ description: 'routed networks only, which are not supported: lists none', since: '4.20' }),
    ...PAGING,
  },
  response: NETWORK_OFFERING,
  isList: true,
  async handler(ctx, params) {
    const guest = (params.traffictype ?? 'guest').toLowerCase() === 'guest';
    if (!guest || params.routingmode !== undefined) return list(0, []);
    const filter = {
      ...params,
      guesttype: params.guestiptype,
      networkId: params.networkid,
      services: params.supportedservices,
    };
    const { count, rows } = await readOfferings(ctx.db, filter, await pageOf(ctx, params));
    return list(count, rows.map(networkOfferingView)); // prettier-ignore
  },
});
