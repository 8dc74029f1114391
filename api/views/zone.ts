import type { HostListRow } from '../../db/zones.js';
import type { ZoneRow } from '../../db/rows.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';

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
  ...(admin && { dns1: row.dns1, guestcidraddress: row.guest_cidr }),
});

export const HYPERVISOR = responseObject('hypervisor', { name: ['string', 'Hypervisor name'] });

export const HOST = responseObject('host', {
  id: ['string', 'the ID of the host'],
  name: ['string', 'the name of the host'],
  state: ['string', 'the state of the host'],
  resourcestate: ['string', 'the resource state of the host'],
  type: ['string', 'the host type'],
  zoneid: ['string', 'the Zone ID of the host'],
  zonename: ['string', 'the Zone name of the host'],
  hypervisor: ['string', 'the host hypervisor'],
  arch: ['string', 'CPU architecture of the host'],
  cpunumber: ['integer', 'the CPU number of the host'],
  cpuallocated: ['string', "the amount of the host's CPU currently allocated"],
  memorytotal: ['long', 'the memory total of the host in bytes'],
  memoryallocated: ['long', 'the amount of the memory currently allocated in bytes'],
  hosttags: ['string', 'comma-separated list of tags for the host'],
  created: ['date', 'the date and time the host was created'],
  hasannotations: ['boolean', 'true if the host has comments'],
});

export const hostView = (row: HostListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  state: row.status,
  resourcestate: row.resource_state,
  type: 'Routing',
  zoneid: row.data_center_id,
  zonename: row.zone_name,
  hypervisor: row.hypervisor_type,
  arch: row.arch,
  cpunumber: row.cpus,
  cpuallocated: `${((100 * row.cpus_used) / Math.max(1, row.cpus)).toFixed(2)}%`,
  memorytotal: row.ram_mb * 1024 * 1024,
  memoryallocated: row.ram_mb_used * 1024 * 1024,
  hosttags: row.tags,
  created: wireDate(row.created),
  hasannotations: false,
});
