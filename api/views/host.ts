import type { HostListRow } from '../../db/hosts.js';
import { parseHostUrl } from '../../workflows/model/host-url.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import type { Settings } from '../../workflows/model/settings.js';

export const HOST = responseObject('host', {
  id: ['string', 'the ID of the host'],
  name: ['string', 'the name of the host'],
  state: ['string', 'Creating while it is looked at for the first time, Up, Down'],
  resourcestate: ['string', 'Enabled, or Disabled or Maintenance: no machine is placed on it'],
  type: ['string', 'the host type'],
  ipaddress: ['string', 'the address of the host; absent when it is this machine'],
  zoneid: ['string', 'the Zone ID of the host'],
  zonename: ['string', 'the Zone name of the host'],
  hypervisor: ['string', 'the host hypervisor'],
  arch: ['string', 'CPU architecture of the host'],
  cpunumber: ['integer', 'the CPU number of the host'],
  cpuallocated: ['string', "the amount of the host's CPU currently allocated"],
  cpuwithoverprovisioning: ['string', 'the CPU number that machines can have together'],
  memorytotal: ['long', 'the memory total of the host in bytes'],
  memoryallocated: ['long', 'the amount of the memory currently allocated in bytes'],
  hosttags: ['string', 'comma-separated list of tags for the host'],
  capabilities: ['string', 'capabilities of the host'],
  affinitygroupid: ['string', 'the affinity group that stands for its dedication'],
  affinitygroupname: ['string', 'the name of that group'],
  created: ['date', 'the date and time the host was created'],
  lastpinged: ['date', 'the date and time its capacity was read last'],
  hasannotations: ['boolean', 'true if the host has comments'],
  url: ['string', 'where the host is reached; an extension'],
  pool: ['string', 'the storage pool of volumes and images; an extension'],
  fabricurl: ['string', 'where its fabric program answers; an extension'],
  fingerprint: ['string', 'SHA-256 fingerprint of its pinned SSH host key; an extension'],
});

const MB = 1024 * 1024;

export const hostView = (row: HostListRow, settings: Settings): Fields => {
  const parsed = parseHostUrl(row.url);
  return {
    id: row.uuid,
    name: row.name,
    state: row.status,
    resourcestate: row.resource_state,
    type: 'Routing',
    ipaddress: 'problem' in parsed || parsed.host === '' ? undefined : parsed.host,
    zoneid: row.data_center_id,
    zonename: row.zone_name,
    hypervisor: row.hypervisor_type,
    arch: row.arch,
    cpunumber: row.cpus,
    cpuallocated: `${((100 * row.cpus_used) / Math.max(1, row.cpus)).toFixed(2)}%`,
    cpuwithoverprovisioning: String(row.cpus * settings['cpu.overprovisioning.factor']),
    memorytotal: row.ram_mb * MB,
    memoryallocated: row.ram_mb_used * MB,
    hosttags: row.tags,
    capabilities: 'hvm',
    affinitygroupid: row.group_id,
    affinitygroupname: row.group_name,
    created: wireDate(row.created),
    lastpinged: wireDate(row.last_pinged),
    hasannotations: false,
    url: row.url,
    pool: row.pool,
    fabricurl: row.fabric_url,
    fingerprint: row.fingerprint,
  };
};
