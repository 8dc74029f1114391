import { addVlan, listVlans } from '../../db/vlans.js';
import { MOST_ADDRESSES, readRange } from '../../workflows/model/address-range.js';
import { fault } from '../../workflows/model/fault.js';
import { badToken } from '../../workflows/model/labels.js';
import { ADMIN, command, object } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { VLAN, vlanView } from '../views/vlan.js';

export const createVlanIpRange = command({
  name: 'createVlanIpRange',
  description: `Creates a range of public addresses, ${MOST_ADDRESSES} at most`,
  roles: ADMIN,
  params: {
    zoneid: p.uuid('zone', { description: 'the Zone ID of the range', required: true }),
    startip: p.string({ description: 'the first address of the range', required: true }),
    endip: p.string({ description: 'the last address of the range; default: startip' }),
    gateway: p.string({ description: 'the gateway of its network', required: true }),
    netmask: p.string({ description: 'the netmask of its network', required: true }),
    vlan: p.string({ description: 'the VLAN of its network; default: untagged' }),
    forvirtualnetwork: p.boolean({ description: 'true (default): the only kind of range here' }),
  },
  response: VLAN,
  async handler(ctx, { zoneid, vlan = 'untagged', forvirtualnetwork, endip, ...rest }) {
    if (forvirtualnetwork === false)
      throw fault('BadParameter', 'forvirtualnetwork must be true: addresses of shared networks are given with the network (createNetwork startip, endip)'); // prettier-ignore
    const text = { ...rest, endip: endip ?? rest.startip, vlan };
    const range = readRange(text);
    const problem = 'problem' in range ? range.problem : badToken('vlan', vlan, 60);
    if (problem !== undefined || 'problem' in range) throw fault('BadParameter', problem ?? '');
    const added = await addVlan(ctx.db, zoneid, text, range, operatorOf(ctx));
    if ('problem' in added) throw fault('BadParameter', added.problem);
    const { rows } = await listVlans(ctx.db, { id: added.uuid }, { offset: 0 });
    return object(vlanView(rows[0]!));
  },
});
