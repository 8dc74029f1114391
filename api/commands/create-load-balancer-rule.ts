import { addRule, lockRulePlace, openFirewallFor } from '../../db/add-rule.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { fault } from '../../workflows/model/fault.js';
import { readAlgorithm, readCidrs, readPorts, readProtocol } from '../../workflows/model/network-rules.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { OWNER, p } from '../params.js';
import { LOAD_BALANCER } from '../views/network.js';

export const createLoadBalancerRule = command({
  name: 'createLoadBalancerRule',
  description: 'Creates a load balancer rule',
  roles: EVERYONE,
  isAsync: true,
  params: {
    name: p.string({ description: 'name of the load balancer rule', required: true, length: 100 }),
    description: p.string({ description: 'the description of the load balancer rule' }),
    algorithm: p.string({ description: 'load balancer algorithm: source, roundrobin, leastconn', required: true }),
    publicport: p.integer({ description: 'the public port that traffic comes to', required: true }),
    privateport: p.integer({ description: "the machines' port that traffic goes to", required: true }),
    publicipid: p.uuid('address', { description: 'public IP address ID to load balance traffic from', access: true }),
    networkid: p.uuid('network', {
      description: 'the tier that the rule leads into, for an address of a VPC',
      access: true,
    }),
    zoneid: p.uuid('zone', { description: 'the zone; the address says it' }),
    protocol: p.string({ description: 'the protocol: tcp, the default' }),
    openfirewall: p.boolean({
      description: 'also create a firewall rule for the public port; default true, never in a VPC',
    }),
    cidrlist: p.list({ description: 'the cidr list to forward traffic from; default anywhere' }),
    ...OWNER,
  },
  response: LOAD_BALANCER,
  async handler(ctx, asked) {
    const algorithm = readAlgorithm(asked.algorithm);
    const protocol = readProtocol(asked.protocol ?? 'tcp', ['tcp']);
    const ports = readPorts(asked.publicport, undefined, ['publicport', ''])!;
    const privatePorts = readPorts(asked.privateport, undefined, ['privateport', ''])!;
    const cidrs = readCidrs(asked.cidrlist, 'cidrlist', null);
    const addressId = asked.publicipid;
    if (addressId === undefined)
      throw fault('BadParameter', 'publicipid is required: acquire an address with associateIpAddress first');
    return submitChange(ctx, async (trx) => {
      const place = await lockRulePlace(trx, addressId, asked.networkid);
      const objectId = await addRule(trx, place, {
        purpose: 'LoadBalancing',
        protocol,
        ports,
        privatePorts,
        cidrs,
        algorithm,
        name: asked.name,
        ...(asked.description !== undefined && { description: asked.description }),
      });
      if (!place.root.vpc && asked.openfirewall !== false)
        await openFirewallFor(trx, place, objectId, { protocol, ports, cidrs });
      return queueNetworkChange(trx, place.root, {
        kind: 'createLoadBalancerRule',
        objectId,
        name: asked.name,
        by: actingOf(ctx),
      });
    });
  },
});
