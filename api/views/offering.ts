import type { NetworkOfferingRow, ServiceOfferingRow } from '../../db/rows.js';
import { fields, responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';

export const SERVICE_OFFERING = responseObject('serviceoffering', {
  id: ['string', 'the id of the service offering'],
  name: ['string', 'the name of the service offering'],
  displaytext: ['string', 'an alternate display text of the service offering'],
  state: ['string', 'state of the service offering: Active or Inactive'],
  cpunumber: ['integer', 'the number of CPU'],
  cpuspeed: ['integer', 'the clock rate CPU speed in Mhz'],
  memory: ['integer', 'the memory in MB'],
  iscustomized: ['boolean', 'true if the size is chosen at deployment'],
  created: ['date', 'the date this service offering was created'],
  storagetype: ['string', 'the storage type for this service offering'],
  provisioningtype: ['string', 'provisioning type used to create volumes'],
  offerha: ['boolean', 'the ha support in the service offering'],
  limitcpuuse: ['boolean', 'restrict the CPU usage to committed service offering'],
  isvolatile: ['boolean', 'true if the root disk is recreated at a reboot'],
  issystem: ['boolean', 'is this a system vm offering'],
  defaultuse: ['boolean', 'is this a default system vm offering'],
  iscustomizediops: ['boolean', 'true if disk offering uses custom iops'],
  dynamicscalingenabled: ['boolean', 'true if machines may be scaled while they run'],
  encryptroot: ['boolean', 'true if the root disk is encrypted'],
  diskofferingstrictness: ['boolean', 'true if the disk offering is fixed'],
  hosttags: ['string', 'the host tags of the service offering'],
  hasannotations: ['boolean', 'true if the offering has comments'],
});

export const serviceOfferingView = (row: ServiceOfferingRow): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  state: row.state,
  cpunumber: row.cpu,
  cpuspeed: row.speed,
  memory: row.ram_size,
  iscustomized: false,
  created: wireDate(row.created),
  storagetype: 'shared',
  provisioningtype: 'thin',
  offerha: false,
  limitcpuuse: false,
  isvolatile: false,
  issystem: false,
  defaultuse: false,
  iscustomizediops: false,
  dynamicscalingenabled: false,
  encryptroot: false,
  diskofferingstrictness: false,
  hosttags: row.host_tags,
  hasannotations: false,
});

const SERVICE = fields({
  name: ['string', 'the service name'],
  provider: ['list', 'the service provider name', fields({ name: ['string', 'the provider name'] })],
});

/** `service` lists from a stored comma-separated list. */
export const servicesView = (services: string): Fields[] =>
  services.split(',').filter(Boolean).map((name) => ({ name: name.trim(), provider: [{ name: 'VirtualRouter' }] })); // prettier-ignore

export const NETWORK_OFFERING = responseObject('networkoffering', {
  id: ['string', 'the id of the network offering'],
  name: ['string', 'the name of the network offering'],
  displaytext: ['string', 'an alternate display text of the network offering'],
  traffictype: ['string', 'the traffic type for the network offering'],
  guestiptype: ['string', 'guest type of the network offering: Isolated, Shared or L2'],
  state: ['string', 'state of the network offering: Enabled or Disabled'],
  availability: ['string', 'availability of the network offering'],
  isdefault: ['boolean', 'true if network offering is default'],
  forvpc: ['boolean', 'true if network offering can be used by VPC networks only'],
  specifyvlan: ['boolean', 'true if network offering supports VLANs'],
  specifyipranges: ['boolean', 'true if network offering supports specifying ip ranges'],
  conservemode: ['boolean', 'true if one address may serve several kinds of rules'],
  ispersistent: ['boolean', 'true if networks run without machines'],
  egressdefaultpolicy: ['boolean', 'true if guest network default egress policy is allow'],
  created: ['date', 'the date this network offering was created'],
  service: ['list', 'the list of supported services', SERVICE],
});

export const networkOfferingView = (row: NetworkOfferingRow): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  traffictype: 'Guest',
  guestiptype: row.guest_type,
  state: row.state,
  availability: row.name.startsWith('DefaultNetworkOfferingforKubernetes') ? 'Required' : 'Optional',
  isdefault: row.name.startsWith('Default'),
  forvpc: row.for_vpc === 1,
  specifyvlan: row.specify_vlan === 1,
  specifyipranges: row.guest_type === 'Shared',
  conservemode: true,
  ispersistent: false,
  egressdefaultpolicy: row.egress_default_policy === 1,
  created: wireDate(row.created),
  service: servicesView(row.services),
});
export const SERVICE_FIELDS = SERVICE;
