import { listVlans } from '../../db/vlans.js';
import { ADMIN, command, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { VLAN, vlanView } from '../views/vlan.js';

export const listVlanIpRanges = command({
  name: 'listVlanIpRanges',
  description: 'Lists all ranges of public addresses',
  roles: ADMIN,
  params: {
    id: p.uuid('addressRange', { description: 'the ID of the range' }),
    zoneid: p.uuid('zone', { description: 'the Zone ID of the range' }),
    vlan: p.string({ description: 'the VLAN of the range' }),
    forvirtualnetwork: p.boolean({ description: 'true: the only kind of range here' }),
    ...PAGING,
  },
  response: VLAN,
  isList: true,
  async handler(ctx, params) {
    if (params.forvirtualnetwork === false) return list(0, []);
    const { count, rows } = await listVlans(ctx.db, params, await pageOf(ctx, params));
    return list(count, rows.map(vlanView)); // prettier-ignore
  },
});
