import { listNetworks as readNetworks } from '../../db/networks.js';
import { fault } from '../../workflows/model/fault.js';
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
    vpcid: p.uuid('vpc', { description: 'list networks by VPC' }),
    forvpc: p.boolean({ description: 'the network belongs to VPC' }),
    issystem: p.boolean({ description: 'true if network is system, false otherwise' }),
    traffictype: p.string({ description: 'type of the traffic; Guest is the only one here' }),
    canusefordeploy: p.boolean({ description: 'list networks available for machine deployment; all are' }),
    supportedservices: p.list({ description: 'list networks supporting certain services' }),
    networkfilter: p.string({
      description:
        'account: networks of accounts; domain: those shared with a domain; accountdomain or all, the default: both; shared: none, since no network is shared with single accounts',
      since: '4.17',
    }),
    retrieveonlyresourcecount: p.boolean({ description: 'true: only how many there are', since: '4.17' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: NETWORK,
  isList: true,
  async handler(ctx, params) {
    const guest = (params.traffictype ?? 'guest').toLowerCase() === 'guest';
    const aclType = readFilter(params.networkfilter ?? 'all');
    if (!guest || params.issystem || params.canusefordeploy === false || aclType === 'none') return list(0, []);
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    // What is shared with the caller's domain is listed with what is his, unless he asks for somebody's.
    const asksFor = params.account ?? params.domainid ?? params.projectid;
    const within = asksFor === undefined ? ctx.caller.domain.path : undefined;
    const filter = { ...params, owners, services: params.supportedservices, within, aclType };
    const { count, rows } = await readNetworks(ctx.db, filter, await pageOf(ctx, params));
    if (params.retrieveonlyresourcecount) return list(count, []);
    return list(count, rows.map((row) => networkView(row, ctx.caller.role === 'A'))); // prettier-ignore
  },
});

const FILTERS = {
  account: 'Account',
  domain: 'Domain',
  accountdomain: undefined,
  all: undefined,
  shared: 'none',
} as const;

function readFilter(text: string): (typeof FILTERS)[keyof typeof FILTERS] {
  const filter = Object.keys(FILTERS).find((each) => each === text.toLowerCase());
  if (filter === undefined)
    throw fault('BadParameter', `Invalid networkfilter: expected ${Object.keys(FILTERS).join(', ')}, found "${text}"`);
  return FILTERS[filter as keyof typeof FILTERS];
}
