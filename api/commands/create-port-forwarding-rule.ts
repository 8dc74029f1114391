import { addRule, lockRulePlace, machineIn, openFirewallFor } from '../../db/add-rule.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { fault } from '../../workflows/model/fault.js';
import { readCidrs, readPorts, readProtocol } from '../../workflows/model/network-rules.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';
import { PORT_FORWARDING_RULE } from '../views/network.js';

export const createPortForwardingRule = command({
  name: 'createPortForwardingRule',
  description: 'Creates a port forwarding rule',
  roles: EVERYONE,
  isAsync: true,
  params: {
    ipaddressid: p.uuid('address', {
      description: 'the IP address id of the port forwarding rule',
      required: true,
      access: true,
    }),
    protocol: p.string({ description: 'the protocol for the rule: tcp or udp', required: true }),
    publicport: p.integer({ description: 'the starting port of the public port range', required: true }),
    publicendport: p.integer({ description: 'the ending port of the public port range' }),
    privateport: p.integer({ description: 'the starting port of the private port range', required: true }),
    privateendport: p.integer({ description: 'the ending port of the private port range' }),
    virtualmachineid: p.uuid('machine', {
      description: 'the ID of the virtual machine for the rule',
      required: true,
      access: true,
    }),
    networkid: p.uuid('network', {
      description: 'the tier that the rule leads into, for an address of a VPC',
      access: true,
    }),
    vmguestip: p.string({ description: "the machine's address in the network; default: its only one" }),
    openfirewall: p.boolean({
      description: 'also create a firewall rule for the public ports; default true, never in a VPC',
    }),
    cidrlist: p.list({ description: 'the cidr list that the opened firewall lets in; default 0.0.0.0/0' }),
  },
  response: PORT_FORWARDING_RULE,
  async handler(ctx, asked) {
    const protocol = readProtocol(asked.protocol, ['tcp', 'udp']);
    const ports = readPorts(asked.publicport, asked.publicendport, ['publicport', 'publicendport'])!;
    const privatePorts = readPorts(asked.privateport, asked.privateendport, ['privateport', 'privateendport'])!;
    const size = ports.to - ports.from;
    if (asked.privateendport === undefined) privatePorts.to = privatePorts.from + size;
    if (privatePorts.to - privatePorts.from !== size || privatePorts.to > 65535)
      throw fault('BadParameter', 'Source port and destination port ranges should be of equal sizes.');
    const cidrs = readCidrs(asked.cidrlist, 'cidrlist', null);
    return submitChange(ctx, async (trx) => {
      const place = await lockRulePlace(trx, asked.ipaddressid, asked.networkid);
      const machine = await machineIn(trx, place.network, asked.virtualmachineid);
      if (asked.vmguestip !== undefined && asked.vmguestip !== machine.ip_address)
        throw fault('BadParameter', `Invalid vmguestip ${asked.vmguestip}: machine ${machine.name} has the address ${machine.ip_address}`); // prettier-ignore
      const objectId = await addRule(trx, place, {
        purpose: 'PortForwarding',
        protocol,
        ports,
        privatePorts,
        cidrs,
        vmId: machine.uuid,
      });
      if (!place.root.vpc && asked.openfirewall !== false)
        await openFirewallFor(trx, place, objectId, { protocol, ports, cidrs });
      const name = `${protocol} ${ports.from}-${ports.to} to ${machine.name}`;
      return queueNetworkChange(trx, place.root, {
        kind: 'createPortForwardingRule',
        objectId,
        name,
        by: actingOf(ctx),
      });
    });
  },
});
