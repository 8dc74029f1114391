import type { ZoneRow } from '../../db/rows.js';
import { responseObject, type Fields } from '../command.js';

export const ZONE = responseObject('zone', {
  id: ['string', 'Zone id'],
  name: ['string', 'Zone name'],
  networktype: ['string', 'the network type of the zone: Basic or Advanced'],
  hypervisor: ['string', 'the hypervisor of the zone; Simulator says that its machines are simulated'],
  securitygroupsenabled: ['boolean', 'true if security groups support is enabled'],
  localstorageenabled: ['boolean', 'true if local storage offering enabled'],
  allocationstate: ['string', 'the allocation state of the zone: Enabled or Disabled'],
  type: ['string', 'the type of the zone: Core or Edge'],
  dhcpprovider: ['string', 'the dhcp provider for the zone'],
  zonetoken: ['string', 'Zone token'],
  isnsxenabled: ['boolean', 'true if the zone is NSX enabled'],
  ismultiarch: ['boolean', 'true if the zone has hosts of several architectures'],
  routedmodeenabled: ['boolean', 'true if routed networks are supported'],
  tags: ['list', 'the list of resource tags associated with the zone'],
  hasannotations: ['boolean', 'true if the zone has comments'],
  dns1: ['string', 'the first DNS of the zone'],
  guestcidraddress: ['string', 'the guest CIDR address of the zone'],
  gatewayurl: ['string', 'where the gateway of the zone answers; an extension, for admins'],
  networkmode: ['string', 'how hosts are joined: bridge or vxlan; an extension, for admins'],
  bridge: ['string', 'the bridge that machines are on, made by the operator; an extension, for admins'],
  publicbridge: ['string', "the bridge of the gateway's public side; an extension, for admins"],
  internalcidr: ['string', 'the range of the hosts; an extension, for admins'],
});

export const zoneView = (row: ZoneRow, admin: boolean): Fields => ({
  id: row.uuid,
  name: row.name,
  networktype: row.networktype,
  hypervisor: row.hypervisor,
  securitygroupsenabled: false,
  localstorageenabled: true,
  allocationstate: row.allocation_state,
  type: 'Core',
  dhcpprovider: 'VirtualRouter',
  zonetoken: row.uuid,
  isnsxenabled: false,
  ismultiarch: false,
  routedmodeenabled: false,
  tags: [],
  hasannotations: false,
  ...(admin && {
    dns1: row.dns1,
    guestcidraddress: row.guest_cidr,
    gatewayurl: row.gateway_url,
    networkmode: row.network_mode,
    bridge: row.bridge,
    publicbridge: row.public_bridge,
    internalcidr: row.internal_cidr,
  }),
});

export const HYPERVISOR = responseObject('hypervisor', { name: ['string', 'Hypervisor name'] });
