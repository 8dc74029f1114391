import { addRule, lockRulePlace } from '../../db/add-rule.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { fault } from '../../workflows/model/fault.js';
import { readCidrs, readTraffic } from '../../workflows/model/network-rules.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';
import { FIREWALL_RULE } from '../views/network.js';

export const createFirewallRule = command({
  name: 'createFirewallRule',
  description: 'Creates a firewall rule for a given IP address',
  roles: EVERYONE,
  isAsync: true,
  params: {
    ipaddressid: p.uuid('address', {
      description: 'the IP address id of the firewall rule',
      required: true,
      access: true,
    }),
    protocol: p.string({ description: 'the protocol for the firewall rule: tcp, udp, icmp or all', required: true }),
    startport: p.integer({ description: 'the starting port; without ports a tcp or udp rule is for all of them' }),
    endport: p.integer({ description: 'the ending port; default: the starting port' }),
    cidrlist: p.list({ description: 'the cidr list to forward traffic from; default 0.0.0.0/0' }),
    icmptype: p.integer({ description: 'type of the icmp message being sent; -1, the default, for any' }),
    icmpcode: p.integer({ description: 'error code for this icmp message; -1, the default, for any' }),
  },
  response: FIREWALL_RULE,
  async handler(ctx, asked) {
    const { protocol, ports, icmpType, icmpCode } = readTraffic(asked);
    const cidrs = readCidrs(asked.cidrlist, 'cidrlist', null);
    return submitChange(ctx, async (trx) => {
      const place = await lockRulePlace(trx, asked.ipaddressid, undefined);
      if (place.root.vpc)
        throw fault('BadParameter', `The address ${place.address.public_ip_address} belongs to VPC ${place.root.vpc.name}: use network ACLs there`); // prettier-ignore
      const objectId = await addRule(trx, place, {
        purpose: 'Firewall',
        protocol,
        ports: ports ?? (protocol === 'tcp' || protocol === 'udp' ? { from: 1, to: 65535 } : { from: 0, to: 0 }),
        cidrs,
        ...(icmpType !== undefined && { icmp: [icmpType, icmpCode ?? -1] as const }),
      });
      const name = `${protocol} ${ports ? `${ports.from}-${ports.to}` : ''} on ${place.address.public_ip_address}`;
      return queueNetworkChange(trx, place.root, { kind: 'createFirewallRule', objectId, name, by: actingOf(ctx) });
    });
  },
});
