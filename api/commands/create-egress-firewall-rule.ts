import { addEgressRule } from '../../db/egress-rules.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { readCidrs, readTraffic } from '../../workflows/model/network-rules.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';
import { FIREWALL_RULE } from '../views/network.js';

export const createEgressFirewallRule = command({
  name: 'createEgressFirewallRule',
  description: 'Creates an egress firewall rule for a given network: an exception from the policy of its offering',
  roles: EVERYONE,
  isAsync: true,
  params: {
    networkid: p.uuid('network', { description: 'the network id of the rule', required: true, access: true }),
    protocol: p.string({ description: 'the protocol for the firewall rule: tcp, udp, icmp or all', required: true }),
    startport: p.integer({ description: 'the starting port; default: all ports' }),
    endport: p.integer({ description: 'the ending port; default: the starting port' }),
    cidrlist: p.list({ description: 'the cidr list that the traffic comes from; default: anywhere in the network' }),
    destcidrlist: p.list({ description: 'the cidr list that the traffic goes to; default: anywhere' }),
    icmptype: p.integer({ description: 'type of the icmp message being sent; -1, the default, for any' }),
    icmpcode: p.integer({ description: 'error code for this icmp message; -1, the default, for any' }),
  },
  response: FIREWALL_RULE,
  async handler(ctx, asked) {
    const traffic = readTraffic(asked);
    const cidrs = readCidrs(asked.cidrlist, 'cidrlist', null);
    const destinations = readCidrs(asked.destcidrlist, 'destcidrlist', null);
    return submitChange(ctx, async (trx) => {
      const { root, uuid } = await addEgressRule(trx, { networkId: asked.networkid, traffic, cidrs, destinations });
      const name = `${traffic.protocol} out of ${root.network?.name}`;
      return queueNetworkChange(trx, root, {
        kind: 'createEgressFirewallRule',
        objectId: uuid,
        name,
        by: actingOf(ctx),
      });
    });
  },
});
