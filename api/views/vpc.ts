import type { AclItemListRow, AclListRow } from '../../db/acls.js';
import type { VpcOfferingRow } from '../../db/rows.js';
import type { VpcListRow } from '../../db/vpcs.js';
import { fields, responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { SERVICE_FIELDS, servicesView } from './offering.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

const TIER = fields({
  id: ['string', 'the id of the tier'],
  name: ['string', 'the name of the tier'],
  displaytext: ['string', 'the display text of the tier'],
  state: ['string', 'the state of the tier'],
  cidr: ['string', "the tier's CIDR"],
  gateway: ['string', "the tier's gateway"],
  netmask: ['string', "the tier's netmask"],
  aclid: ['string', "the ID of the tier's ACL"],
});

export const VPC = responseObject('vpc', {
  id: ['string', 'the id of the VPC'],
  name: ['string', 'the name of the VPC'],
  displaytext: ['string', 'an alternate display text of the VPC'],
  state: ['string', 'state of the VPC: Enabled or Inactive'],
  zoneid: ['string', 'zone id of the VPC'],
  zonename: ['string', 'the name of the zone the VPC belongs to'],
  cidr: ['string', 'the cidr the VPC'],
  vpcofferingid: ['string', 'vpc offering id the VPC is created from'],
  vpcofferingname: ['string', 'vpc offering name the VPC is created from'],
  networkdomain: ['string', 'the network domain of the VPC'],
  network: ['list', 'the list of networks belonging to the VPC', TIER],
  service: ['list', 'the list of supported services', SERVICE_FIELDS],
  ...OWNER_FIELDS,
  created: ['date', 'the date this VPC was created'],
  restartrequired: ['boolean', 'true VPC requires restart'],
  redundantvpcrouter: ['boolean', 'if this VPC has redundant router'],
  tags: ['list', 'the list of resource tags associated with the VPC'],
  hasannotations: ['boolean', 'true if the VPC has comments'],
});

export const vpcView = (row: VpcListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  state: row.state,
  zoneid: row.data_center_id,
  zonename: row.zone_name,
  cidr: row.cidr,
  vpcofferingid: row.vpc_offering_id,
  vpcofferingname: row.offering_name,
  networkdomain: row.network_domain,
  network: row.tiers.map((tier) => ({
    id: tier.uuid,
    name: tier.name,
    displaytext: tier.display_text,
    state: tier.state,
    cidr: tier.cidr,
    gateway: tier.gateway,
    netmask: tier.netmask,
    aclid: tier.acl_id,
  })),
  service: servicesView(row.services),
  ...ownerView(row),
  created: wireDate(row.created),
  restartrequired: false,
  redundantvpcrouter: false,
  tags: [],
  hasannotations: false,
});

export const VPC_OFFERING = responseObject('vpcoffering', {
  id: ['string', 'the id of the vpc offering'],
  name: ['string', 'the name of the vpc offering'],
  displaytext: ['string', 'an alternate display text of the vpc offering'],
  state: ['string', 'state of the vpc offering: Enabled or Disabled'],
  isdefault: ['boolean', 'true if vpc offering is default'],
  created: ['date', 'the date this vpc offering was created'],
  service: ['list', 'the list of supported services', SERVICE_FIELDS],
});

export const vpcOfferingView = (row: VpcOfferingRow): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  state: row.state,
  isdefault: row.name.startsWith('Default'),
  created: wireDate(row.created),
  service: servicesView(row.services),
});

export const NETWORK_ACL_LIST = responseObject('networkacllist', {
  id: ['string', 'the ID of the ACL'],
  name: ['string', 'the Name of the ACL'],
  description: ['string', 'Description of the ACL'],
  vpcid: ['string', 'Id of the VPC this ACL is associated with'],
  vpcname: ['string', 'Name of the VPC this ACL is associated with'],
  fordisplay: ['boolean', 'is ACL for display to the regular user'],
});

export const aclListView = (row: AclListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  description: row.description,
  vpcid: row.vpc_id,
  vpcname: row.vpc_name,
  fordisplay: true,
});

export const NETWORK_ACL = responseObject('networkacl', {
  id: ['string', 'the ID of the ACL Item'],
  aclid: ['string', 'the ID of the ACL this item belongs to'],
  aclname: ['string', 'the name of the ACL this item belongs to'],
  number: ['integer', 'Number of the ACL Item: its place in the order in which items are tried'],
  protocol: ['string', 'the protocol of the ACL'],
  startport: ['string', "the starting port of ACL's port range"],
  endport: ['string', "the ending port of ACL's port range"],
  icmptype: ['integer', 'type of the icmp message being sent'],
  icmpcode: ['integer', 'error code for this icmp message'],
  cidrlist: ['string', 'the cidr list to forward traffic from or to'],
  traffictype: ['string', 'the traffic type for the ACL: Ingress or Egress'],
  action: ['string', 'Action of ACL Item: Allow or Deny'],
  state: ['string', 'the state of the rule'],
  reason: ['string', 'an explanation on why this ACL rule is being applied'],
  fordisplay: ['boolean', 'is rule for display to the regular user'],
  tags: ['list', 'the list of resource tags associated with the network ACLs'],
});

/** Ports are strings here, as on forwards. */
export const aclItemView = (row: AclItemListRow): Fields => ({
  id: row.uuid,
  aclid: row.acl_id,
  aclname: row.acl_name,
  number: row.number,
  protocol: row.protocol,
  startport: row.start_port === null ? undefined : String(row.start_port),
  endport: row.end_port === null ? undefined : String(row.end_port),
  icmptype: row.icmp_type,
  icmpcode: row.icmp_code,
  cidrlist: row.cidr_list,
  traffictype: row.traffic_type,
  action: row.action,
  state: row.state === 'Revoke' ? 'Deleting' : row.state,
  reason: row.reason,
  fordisplay: true,
  tags: [],
});
