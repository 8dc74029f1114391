import type { AddressListRow, EgressListRow, NetworkListRow, RuleListRow } from '../../db/networks.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { SERVICE_FIELDS, servicesView } from './offering.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

export const NETWORK = responseObject('network', {
  id: ['string', 'the id of the network'],
  name: ['string', 'the name of the network'],
  displaytext: ['string', 'the display text of the network'],
  type: ['string', 'the type of the network: Isolated, Shared or L2'],
  state: ['string', 'state of the network: Allocated, Setup, Implementing, Implemented, Shutdown or Destroy'],
  zoneid: ['string', 'zone id of the network'],
  zonename: ['string', 'the name of the zone the network belongs to'],
  networkofferingid: ['string', 'network offering id the network is created from'],
  networkofferingname: ['string', 'name of the network offering the network is created from'],
  networkofferingdisplaytext: ['string', 'display text of the network offering the network is created from'],
  gateway: ['string', "the network's gateway"],
  netmask: ['string', "the network's netmask"],
  cidr: ['string', "the network's IPv4 CIDR"],
  traffictype: ['string', 'the traffic type of the network'],
  broadcastdomaintype: ['string', 'Broadcast domain type of the network'],
  broadcasturi: ['string', 'broadcast uri of the network; visible to root admins'],
  dns1: ['string', 'the first IPv4 DNS for the network'],
  networkdomain: ['string', 'the network domain'],
  vlan: ['string', 'the vlan of a shared network; visible to root admins'],
  bridge: ['string', 'the bridge on each host of a shared network; visible to root admins'],
  startip: ['string', 'the first address that machines of a shared network may have'],
  endip: ['string', 'the last address that machines of a shared network may have'],
  vpcid: ['string', 'VPC the network belongs to'],
  vpcname: ['string', 'Name of the VPC to which this network belongs'],
  aclid: ['string', 'ACL Id associated with the VPC network'],
  aclname: ['string', 'ACL name associated with the VPC network'],
  acltype: ['string', 'acl type: Account or Domain'],
  ...OWNER_FIELDS,
  issystem: ['boolean', 'true if network is system, false otherwise'],
  ispersistent: ['boolean', 'true if network runs without machines'],
  restartrequired: ['boolean', 'true network requires restart'],
  specifyipranges: ['boolean', 'true if network supports specifying ip ranges'],
  canusefordeploy: ['boolean', 'machines can be deployed in this network'],
  redundantrouter: ['boolean', 'true if the network has a redundant router'],
  egressdefaultpolicy: ['boolean', 'true if egress is allowed by default'],
  service: ['list', 'the list of services', SERVICE_FIELDS],
  created: ['date', 'the date this network was created'],
  tags: ['list', 'the list of resource tags associated with the network'],
  hasannotations: ['boolean', 'true if the network has comments'],
});

export const networkView = (row: NetworkListRow, admin: boolean): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  type: row.guest_type,
  state: row.state,
  zoneid: row.data_center_id,
  zonename: row.zone_name,
  networkofferingid: row.network_offering_id,
  networkofferingname: row.offering_name,
  networkofferingdisplaytext: row.offering_text,
  gateway: row.gateway,
  netmask: row.netmask,
  cidr: row.cidr,
  traffictype: 'Guest',
  broadcastdomaintype: row.guest_type === 'Shared' ? 'Vlan' : 'Vxlan',
  ...(admin && broadcastOf(row)),
  dns1: row.dns1,
  networkdomain: row.network_domain,
  startip: row.start_ip,
  endip: row.end_ip,
  vpcid: row.vpc_id,
  vpcname: row.vpc_name,
  aclid: row.acl_id,
  aclname: row.acl_name,
  acltype: row.acl_type,
  ...ownerView(row),
  issystem: false,
  ispersistent: false,
  restartrequired: false,
  specifyipranges: row.guest_type === 'Shared',
  canusefordeploy: true,
  redundantrouter: false,
  egressdefaultpolicy: row.egress_default_policy === 1,
  service: servicesView(row.services),
  created: wireDate(row.created),
  tags: [],
  hasannotations: false,
});

const broadcastOf = (row: NetworkListRow): Fields =>
  row.guest_type === 'Shared'
    ? { broadcasturi: row.vlan === null ? undefined : `vlan://${row.vlan}`, vlan: row.vlan, bridge: row.bridge }
    : { broadcasturi: `vxlan://${row.network_number}` };

const ADDRESS_FIELDS = {
  id: ['string', 'public IP address id'],
  ipaddress: ['string', 'public IP address'],
  state: ['string', 'State of the ip address: Allocating, Allocated, Releasing or Free'],
  allocated: ['date', 'date the public IP address was acquired'],
  zoneid: ['string', 'the ID of the zone the public IP address belongs to'],
  zonename: ['string', 'the name of the zone the public IP address belongs to'],
  issourcenat: ['boolean', 'true if the IP address is a source nat address'],
  isstaticnat: ['boolean', 'true if this ip is for static nat'],
  issystem: ['boolean', 'true if this ip is system ip'],
  isportable: ['boolean', 'is public IP portable across the zones'],
  forvirtualnetwork: ['boolean', 'the virtual network for the IP address'],
  forsystemvms: ['boolean', 'true if range is dedicated for system machines'],
  associatednetworkid: ['string', 'the ID of the Network associated with the IP address'],
  associatednetworkname: ['string', 'the name of the Network associated with the IP address'],
  vpcid: ['string', 'VPC id the IP address belongs to'],
  vpcname: ['string', 'VPC name the IP address belongs to'],
  hasrules: ['boolean', 'true if the IP address has rules'],
  ...OWNER_FIELDS,
  tags: ['list', 'the list of resource tags associated with ip address'],
} as const;

/** Lists use the key `publicipaddress`, the command that acquires one `ipaddress`. */
export const PUBLIC_ADDRESS = responseObject('publicipaddress', ADDRESS_FIELDS);
export const ACQUIRED_ADDRESS = responseObject('ipaddress', ADDRESS_FIELDS);

export const addressView = (row: AddressListRow): Fields => ({
  id: row.uuid,
  ipaddress: row.public_ip_address,
  state: row.state,
  allocated: wireDate(row.allocated),
  zoneid: row.data_center_id,
  zonename: row.zone_name,
  issourcenat: row.source_nat === 1,
  isstaticnat: false,
  issystem: false,
  isportable: false,
  forvirtualnetwork: true,
  forsystemvms: false,
  associatednetworkid: row.network_id,
  associatednetworkname: row.network_name,
  vpcid: row.vpc_id,
  vpcname: row.vpc_name,
  hasrules: Number(row.rules) > 0,
  ...ownerView(row),
  tags: [],
});

const RULE_FIELDS = {
  id: ['string', 'the ID of the rule'],
  protocol: ['string', 'the protocol of the rule'],
  networkid: ['string', 'the network id of the rule'],
  state: ['string', 'the state of the rule'],
  cidrlist: ['string', 'the cidr list to forward traffic from'],
  tags: ['list', 'the list of resource tags associated with the rule'],
} as const;
const ruleFields = (row: Pick<RuleListRow, 'uuid' | 'protocol' | 'network_id' | 'state'>): Fields => ({
  id: row.uuid,
  protocol: row.protocol,
  networkid: row.network_id,
  // As the original shows them.
  state: row.state === 'Revoke' ? 'Deleting' : row.state,
  tags: [],
});

export const FIREWALL_RULE = responseObject('firewallrule', {
  ...RULE_FIELDS,
  startport: ['integer', "the starting port of firewall rule's port range"],
  endport: ['integer', "the ending port of firewall rule's port range"],
  ipaddressid: ['string', 'the public ip address id for the firewall rule'],
  ipaddress: ['string', 'the public ip address for the firewall rule'],
  icmptype: ['integer', 'type of the icmp message being sent'],
  icmpcode: ['integer', 'error code for this icmp message'],
  destcidrlist: ['string', 'the cidr list that egress traffic may go to'],
  traffictype: ['string', 'the traffic type for the firewall rule'],
});

export const firewallRuleView = (row: RuleListRow): Fields => ({
  ...ruleFields(row),
  startport: row.start_port || undefined,
  endport: row.end_port || undefined,
  icmptype: row.icmp_type,
  icmpcode: row.icmp_code,
  cidrlist: row.cidr_list ?? '0.0.0.0/0',
  ipaddressid: row.ip_address_id,
  ipaddress: row.public_ip_address,
  traffictype: 'Ingress',
});

export const egressRuleView = (row: EgressListRow): Fields => ({
  ...ruleFields(row),
  startport: row.start_port,
  endport: row.end_port,
  icmptype: row.icmp_type,
  icmpcode: row.icmp_code,
  cidrlist: row.cidr_list ?? '0.0.0.0/0',
  destcidrlist: row.dest_cidr_list ?? '',
  traffictype: 'Egress',
});

export const PORT_FORWARDING_RULE = responseObject('portforwardingrule', {
  ...RULE_FIELDS,
  publicport: ['string', 'the starting port of port forwarding rule’s public port range'],
  publicendport: ['string', 'the ending port of port forwarding rule’s public port range'],
  privateport: ['string', 'the starting port of port forwarding rule’s private port range'],
  privateendport: ['string', 'the ending port of port forwarding rule’s private port range'],
  ipaddressid: ['string', 'the public ip address id for the port forwarding rule'],
  ipaddress: ['string', 'the public ip address for the port forwarding rule'],
  virtualmachineid: ['string', 'the machine ID for the port forwarding rule'],
  virtualmachinename: ['string', 'the machine name for the port forwarding rule'],
  virtualmachinedisplayname: ['string', 'the machine display name for the port forwarding rule'],
  vmguestip: ['string', 'the guest ip of the machine that traffic is forwarded to'],
});

/** Ports are strings here and on balancer rules, numbers on firewall rules: Go clients decode strictly. */
export function portForwardingRuleView(row: RuleListRow): Fields {
  const first = row.private_port ?? row.start_port;
  return {
    ...ruleFields(row),
    publicport: String(row.start_port),
    publicendport: String(row.end_port),
    privateport: String(first),
    privateendport: String(row.private_end_port ?? first + row.end_port - row.start_port),
    cidrlist: row.cidr_list ?? '',
    ipaddressid: row.ip_address_id,
    ipaddress: row.public_ip_address,
    virtualmachineid: row.vm_id,
    virtualmachinename: row.vm_name,
    virtualmachinedisplayname: row.vm_display_name,
    vmguestip: row.guest_ip ?? row.vm_ip,
  };
}

const BALANCER_FIELDS = {
  ...RULE_FIELDS,
  name: ['string', 'the name of the load balancer'],
  description: ['string', 'the description of the load balancer'],
  algorithm: ['string', 'the load balancer algorithm: source, roundrobin or leastconn'],
  publicport: ['string', 'the public port'],
  privateport: ['string', 'the private port'],
  publicip: ['string', 'the public ip address'],
  publicipid: ['string', 'the public ip address id'],
  zoneid: ['string', 'the id of the zone the rule belongs to'],
  zonename: ['string', 'the name of the zone the rule belongs to'],
  ...OWNER_FIELDS,
} as const;

/** Lists use the key `loadbalancerrule`, the commands that make or change one `loadbalancer`. */
export const LOAD_BALANCER_RULE = responseObject('loadbalancerrule', BALANCER_FIELDS);
export const LOAD_BALANCER = responseObject('loadbalancer', BALANCER_FIELDS);

export const loadBalancerRuleView = (row: RuleListRow): Fields => ({
  ...ruleFields(row),
  name: row.name ?? 'api-lb',
  description: row.description ?? row.name ?? 'api-lb',
  algorithm: row.algorithm ?? 'roundrobin',
  publicport: String(row.start_port),
  privateport: String(row.private_port ?? row.start_port),
  cidrlist: row.cidr_list ?? '',
  publicip: row.public_ip_address,
  publicipid: row.ip_address_id,
  zoneid: row.zone_id,
  zonename: row.zone_name,
  ...ownerView(row),
});
