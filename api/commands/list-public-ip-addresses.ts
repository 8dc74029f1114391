import { listAddresses } from '../../db/networks.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { addressView, PUBLIC_ADDRESS } from '../views/network.js';

export const listPublicIpAddresses = command({
  name: 'listPublicIpAddresses',
  description: 'Lists all public ip addresses',
  roles: EVERYONE,
  params: {
    id: p.uuid('address', { description: 'lists ip address by id' }),
    ipaddress: p.string({ description: 'lists the specified IP address' }),
    associatednetworkid: p.uuid('network', {
      description: 'lists all public IP addresses associated to the network specified',
    }),
    vpcid: p.uuid('vpc', { description: 'List IPs belonging to the VPC' }),
    zoneid: p.uuid('zone', { description: 'lists all public IP addresses by zone ID' }),
    issourcenat: p.boolean({ description: 'list only source NAT IP addresses' }),
    isstaticnat: p.boolean({ description: 'list only static NAT IP addresses' }),
    allocatedonly: p.boolean({ description: 'limits search results to allocated public IP addresses; default true' }),
    state: p.string({ description: 'lists all public IP addresses by state' }),
    forloadbalancing: p.boolean({ description: 'list only addresses that serve balancer rules' }),
    forvirtualnetwork: p.boolean({
      description: 'true (default): all addresses here are for virtual networks; false: none',
    }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: PUBLIC_ADDRESS,
  isList: true,
  async handler(ctx, params) {
    if (params.isstaticnat || params.forvirtualnetwork === false) return list(0, []);
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const allocatedOnly = params.allocatedonly ?? params.state === undefined;
    // Free addresses belong to nobody: only a root admin sees them.
    const filter = {
      ...params,
      networkId: params.associatednetworkid,
      balanced: params.forloadbalancing,
      allocatedOnly,
      owners: !allocatedOnly && ctx.caller.role === 'A' ? ({ kind: 'all' } as const) : owners,
    };
    const { count, rows } = await listAddresses(ctx.db, filter, await pageOf(ctx, params));
    return list(count, rows.map(addressView)); // prettier-ignore
  },
});
