import { createHash } from 'node:crypto';
import { readMachineForView, type MachineRow } from '../../db/machines.js';
import type { Db } from '../../db/knex.js';
import { fault } from '../../workflows/model/fault.js';
import { fields, responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

const NIC = fields({
  id: ['string', 'the ID of the nic'],
  networkid: ['string', 'the ID of the corresponding network'],
  networkname: ['string', 'the name of the corresponding network'],
  ipaddress: ['string', 'the ip address of the nic'],
  netmask: ['string', 'the netmask of the nic'],
  gateway: ['string', 'the gateway of the nic'],
  macaddress: ['string', 'the mac address of the nic'],
  isdefault: ['boolean', 'true if nic is default'],
  type: ['string', 'the type of the nic'],
  traffictype: ['string', 'the traffic type of the nic'],
  deviceid: ['string', 'device id for the network when plugged into the machine'],
  secondaryip: ['list', 'the secondary ip addresses of the nic'],
  extradhcpoption: ['list', 'extra dhcp options of the nic'],
});

const NODE_FIELDS = {
  isexternalnode: ['boolean', 'true if the node was added by addNodesToKubernetesCluster'],
  isetcdnode: ['boolean', 'true if the node is a dedicated etcd node'],
  kubernetesnodeversion: ['string', 'Kubernetes version of the node'],
} as const;

const MACHINE_FIELDS = {
  id: ['string', 'the ID of the machine'],
  name: ['string', 'the name of the machine; of a node also its name in Kubernetes'],
  displayname: ['string', 'user generated name'],
  state: ['string', 'the state of the machine'],
  account: OWNER_FIELDS.account,
  projectid: OWNER_FIELDS.projectid,
  project: OWNER_FIELDS.project,
  domainid: OWNER_FIELDS.domainid,
  domain: OWNER_FIELDS.domain,
  userid: ['string', "the user's ID who deployed the machine"],
  username: ['string', "the user's name who deployed the machine"],
  zoneid: ['string', 'the ID of the zone'],
  zonename: ['string', 'the name of the zone'],
  hypervisor: ['string', 'the hypervisor on which the machine runs'],
  created: ['date', 'the date when this machine was created'],
  lastupdated: ['date', 'the date when this machine was updated last time'],
  nic: ['list', 'the list of nics', NIC],
  ipaddress: ['string', 'the ip address of the default nic'],
  keypairs: ['string', 'ssh key-pairs'],
  haenable: ['boolean', 'true if high-availability is enabled'],
  isdynamicallyscalable: ['boolean', 'true if the machine can be scaled while it runs'],
  displayvm: ['boolean', 'true if the machine is shown to its owner'],
  deleteprotection: ['boolean', 'true if the machine has delete protection'],
  vmtype: ['string', 'the type of the machine; cksnode for nodes of clusters'],
  hostcontrolstate: ['string', 'host control state'],
  instancename: ['string', 'name of the domain on its host; visible to root admins'],
  hostid: ['string', 'the ID of the host; visible to root admins'],
  hostname: ['string', 'the name of the host; visible to root admins'],
  arch: ['string', 'CPU architecture; visible to root admins'],
  details: ['map', 'machine details'],
  readonlydetails: ['string', 'list of read-only details'],
  userdataid: ['string', 'the ID of the registered user data'],
  userdataname: ['string', 'the name of the registered user data'],
  sshhostkey: ['string', 'public SSH host key of the machine; an extension'],
  jobid: ['string', 'the job of the change that works on the machine now'],
  jobstatus: ['integer', 'the status of that job: 0'],
} as const;

const NODE = fields({ ...NODE_FIELDS, ...MACHINE_FIELDS });

export const NODE_MACHINE = NODE;

/** Nics have no table: a machine has one, and its id follows from the machine's. */
function nicId(machineId: string): string {
  const hex = createHash('sha1').update(`nic ${machineId}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const nicView = (row: MachineRow): Fields => ({
  id: nicId(row.uuid),
  networkid: row.network_id,
  networkname: row.network_name,
  ipaddress: row.ip_address,
  netmask: row.netmask,
  gateway: row.gateway,
  macaddress: row.mac_address,
  isdefault: true,
  type: row.network_type,
  traffictype: 'Guest',
  deviceid: '0',
  secondaryip: [],
  extradhcpoption: [],
});

function machineFields(row: MachineRow, admin: boolean): Fields {
  const { domainpath: _, ...owner } = ownerView(row);
  return {
    id: row.uuid,
    name: row.name,
    displayname: row.display_name,
    state: row.state,
    ...owner,
    userid: row.user_id,
    username: row.username,
    zoneid: row.data_center_id,
    zonename: row.zone_name,
    hypervisor: row.hypervisor_type,
    created: wireDate(row.created),
    lastupdated: wireDate(row.update_time),
    nic: row.network_name === null ? [] : [nicView(row)],
    ipaddress: row.ip_address,
    keypairs: row.keypair,
    haenable: false,
    isdynamicallyscalable: false,
    displayvm: true,
    deleteprotection: false,
    vmtype: row.vm_type,
    hostcontrolstate: row.host_id === null ? undefined : row.host_status === 'Up' ? 'Enabled' : 'Offline',
    ...(admin
      ? { instancename: row.instance_name, hostid: row.host_id, hostname: row.host_name, arch: row.arch, details: {} }
      : { details: {}, readonlydetails: '' }),
    userdataid: row.user_data_id,
    userdataname: row.user_data_name,
    sshhostkey: row.ssh_host_key,
    ...(row.job_id !== null && { jobid: row.job_id, jobstatus: 0 }),
  };
}

/** An entry of a cluster's `virtualmachines`: without offering, template, CPU and memory, as in the original. */
export const nodeView = (row: MachineRow, managed: boolean, admin: boolean): Fields => ({
  isexternalnode: managed && row.external_node === 1,
  isetcdnode: row.etcd_node === 1,
  kubernetesnodeversion: managed && row.etcd_node !== 1 ? row.kubernetes_node_version : undefined,
  ...machineFields(row, admin),
});

export const MACHINE = responseObject('virtualmachine', {
  ...MACHINE_FIELDS,
  domainpath: OWNER_FIELDS.domainpath,
  serviceofferingid: ['string', 'the ID of the service offering'],
  serviceofferingname: ['string', 'the name of the service offering'],
  cpunumber: ['integer', 'the number of CPUs'],
  cpuspeed: ['integer', 'the speed of each CPU'],
  memory: ['integer', 'the memory allocated in MB'],
  templateid: ['string', 'the ID of the template'],
  templatename: ['string', 'the name of the template'],
  templatedisplaytext: ['string', 'an alternate display text of the template'],
  templateformat: ['string', 'the format of the template'],
  passwordenabled: ['boolean', 'true if the password rest feature is enabled'],
  rootdeviceid: ['long', 'device ID of the root volume'],
  rootdevicetype: ['string', 'device type of the root volume'],
  securitygroup: ['list', 'list of security groups'],
  affinitygroup: ['list', 'list of affinity groups'],
  tags: ['list', 'the list of resource tags'],
  hasannotations: ['boolean', 'true if the machine has comments'],
});

/** One machine's view, also of a destroyed one. */
export async function renderMachine(db: Db, id: string, admin: boolean): Promise<Fields> {
  const row = await readMachineForView(db, id);
  if (!row) throw fault('Internal', `there is no machine ${id} to show`);
  return machineView(row, admin);
}

export const machineView = (row: MachineRow, admin: boolean): Fields => ({
  ...machineFields(row, admin),
  domainpath: ownerView(row).domainpath,
  serviceofferingid: row.service_offering_id,
  serviceofferingname: row.offering_name,
  cpunumber: row.cpu,
  cpuspeed: row.speed,
  memory: row.ram_size,
  templateid: row.template_id,
  templatename: row.template_name,
  templatedisplaytext: row.template_text,
  templateformat: row.template_format,
  passwordenabled: false,
  rootdeviceid: 0,
  rootdevicetype: 'ROOT',
  securitygroup: [],
  affinitygroup: [],
  tags: [],
  hasannotations: false,
});
