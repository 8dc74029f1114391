import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { macOf, parseCidr, toNumber } from '../workflows/model/addresses.js';
import { fault } from '../workflows/model/fault.js';
import { place } from '../workflows/model/placement.js';
import { now, transact, type Db } from './knex.js';
import { sameText } from './matching.js';
import { mustReadMachine } from './machine-changes.js';
import { takeRoom, freeAddresses } from './reserve.js';
import { readHostRooms, tagsOf } from './rooms.js';
import type {
  HostRow, NetworkRow, ServiceOfferingRow, TemplateRow, VmRow, ZoneRow,
} from './rows.js'; // prettier-ignore

export interface NewMachine {
  /** Host name; default: one made from its id. */
  name?: string;
  displayName?: string;
  zone: ZoneRow;
  network: NetworkRow;
  offering: ServiceOfferingRow;
  template: TemplateRow;
  accountId: string;
  domainId: string;
  userId: string;
  rootDiskGb: number;
  keypairs: readonly string[];
  userDataId?: string;
  /** The address that was asked for. */
  address?: string;
}

/** Writes a machine's row and takes its address; it gets its host later, in its job. Returns its id. */
export async function addMachine(trx: Knex.Transaction, wanted: NewMachine): Promise<string> {
  const uuid = randomUUID();
  const { network } = wanted;
  const name = wanted.name ?? `vm-${uuid}`;
  await assertNameFree(trx, network, name);
  const address = await takeAddress(trx, network, uuid, wanted.address);
  await trx('vm_instance').insert({
    uuid, name, instance_name: `i-${uuid}`, display_name: wanted.displayName ?? name, data_center_id: wanted.zone.uuid, host_id: null,
    service_offering_id: wanted.offering.uuid, template_id: wanted.template.uuid, account_id: wanted.accountId, domain_id: wanted.domainId, user_id: wanted.userId,
    state: 'Stopped', vm_type: 'User', hypervisor_type: wanted.zone.hypervisor, network_id: network.uuid, ip_address: address,
    mac_address: macOf(network.network_number, address), root_disk_gb: wanted.rootDiskGb, keypair: wanted.keypairs.join(',') || null, managed: 1,
    user_data_id: wanted.userDataId ?? null, created: now(trx),
  }); // prettier-ignore
  return uuid;
}

export interface KnownMachine extends Omit<NewMachine, 'keypairs' | 'rootDiskGb' | 'userDataId' | 'address'> {
  name: string;
  address: string;
  macAddress?: string;
  /** One line of OpenSSH public key. */
  sshHostKey: string;
  /** Where its domain is; none for a physical machine. */
  domain?: { host: HostRow; name: string };
}

/** Writes the row of a machine that is there already, and takes its address. Returns its id. */
export async function addKnownMachine(trx: Knex.Transaction, known: KnownMachine): Promise<string> {
  const uuid = randomUUID();
  const { network, domain } = known;
  const instanceName = domain?.name ?? `i-${uuid}`;
  const namesake = await trx<VmRow>('vm_instance').where({ instance_name: instanceName }).first();
  if (namesake && namesake.removed === null)
    throw fault('BadParameter', `The domain ${instanceName} is known already, as machine ${namesake.name}`);
  await assertNameFree(trx, network, known.name);
  // The name of a machine that was let go is free again.
  if (namesake)
    await trx('vm_instance')
      .where({ uuid: namesake.uuid })
      .update({ instance_name: `i-${namesake.uuid}` });
  const address = await takeAddress(trx, network, uuid, known.address);
  await trx('vm_instance').insert({
    uuid, name: known.name, instance_name: instanceName, display_name: known.displayName ?? known.name, data_center_id: known.zone.uuid, host_id: domain?.host.uuid ?? null,
    service_offering_id: known.offering.uuid, template_id: known.template.uuid, account_id: known.accountId, domain_id: known.domainId, user_id: known.userId,
    state: domain ? 'Unknown' : 'Running', vm_type: 'User', hypervisor_type: domain ? known.zone.hypervisor : 'BareMetal', network_id: network.uuid,
    ip_address: address, mac_address: known.macAddress ?? '', root_disk_gb: 0, keypair: null, ssh_host_key: known.sshHostKey, managed: domain ? 1 : 0, created: now(trx),
  }); // prettier-ignore
  const { offering } = known;
  if (domain) await takeRoom(trx, domain.host.uuid, uuid, { cpus: offering.cpu, ramMb: offering.ram_size }, known.name);
  return uuid;
}

/** Whether this service made the machine; else it was imported, and its domain and disks are somebody else's. */
export const isMade = (vm: Pick<VmRow, 'uuid' | 'instance_name'>): boolean => vm.instance_name === `i-${vm.uuid}`;

/** Two machines of one network may not have one host name: as nodes of one cluster they could not be told apart. */
async function assertNameFree(trx: Knex.Transaction, network: NetworkRow, name: string): Promise<void> {
  const namesake = await sameText(
    trx,
    trx('vm_instance').where({ network_id: network.uuid }).whereNull('removed'),
    'name',
    name,
  ).first<object | undefined>('uuid');
  if (namesake) throw fault('BadParameter', `There is a machine named ${name} in network ${network.name}`);
}

async function takeAddress(
  trx: Knex.Transaction,
  network: NetworkRow,
  vmId: string,
  wanted: string | undefined,
): Promise<string> {
  // The lock of clusters' reservations: whoever takes an address of the zone waits for the others.
  await trx('host').where({ data_center_id: network.data_center_id }).orderBy('id').forUpdate().select('uuid');
  const rows = await trx('guest_address')
    .where({ network_id: network.uuid })
    .select<{ ip4_address: string }[]>('ip4_address');
  const taken = new Set(rows.map((row) => row.ip4_address));
  const address = wanted ?? firstFree(network, taken);
  if (address === undefined)
    throw fault('AddressesExhausted', `network ${network.name} (${network.cidr}) has no free address`);
  if (taken.has(address) || address === network.gateway)
    throw fault('BadParameter', `Address ${address} of network ${network.name} is taken`);
  if (!isWithin(address, network.cidr))
    throw fault('BadParameter', `Address ${address} is not in network ${network.name} (${network.cidr})`);
  await trx('guest_address').insert({ network_id: network.uuid, ip4_address: address, vm_id: vmId });
  return address;
}

const firstFree = (network: NetworkRow, taken: ReadonlySet<string>): string | undefined =>
  freeAddresses(network, taken).next().value;

function isWithin(address: string, cidr: string): boolean {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address) || address.split('.').some((part) => Number(part) > 255)) return false;
  const { base, bits } = parseCidr(cidr);
  const offset = toNumber(address) - base;
  return offset > 0 && offset < 2 ** (32 - bits) - 1;
}

/** Everything that acting on one machine needs. */
export interface MachineContext {
  vm: VmRow;
  /** None for a machine that is not on a host of ours, or not placed yet. */
  host: HostRow | undefined;
  network: NetworkRow;
  template: TemplateRow;
  offering: ServiceOfferingRow;
}

export async function readMachineContext(db: Db, vmId: string): Promise<MachineContext> {
  const vm = await mustReadMachine(db, vmId);
  const must = async <T extends object>(table: string, uuid: string) => {
    const row = (await db(table).where({ uuid }).first()) as T | undefined;
    if (!row) throw fault('Internal', `the ${table} ${uuid} of machine ${vm.name} is missing`);
    return row;
  };
  return {
    vm,
    host: vm.host_id === null ? undefined : await must<HostRow>('host', vm.host_id),
    network: await must<NetworkRow>('networks', vm.network_id),
    template: await must<TemplateRow>('vm_template', vm.template_id),
    offering: await must<ServiceOfferingRow>('service_offering', vm.service_offering_id),
  };
}

/**
 * Leaves the machine with a place on a host: the one that was asked for, else the one with most room. Room is taken by a
 * conditional update, so that two machines cannot both get the last of it.
 */
export const placeMachine = (db: Knex, vmId: string, hostId?: string): Promise<void> =>
  transact(db, async (trx) => {
    const zoneId = (await mustReadMachine(trx, vmId)).data_center_id;
    await trx('host').where({ data_center_id: zoneId }).orderBy('id').forUpdate().select('uuid');
    const { vm, template, offering } = await readMachineContext(trx, vmId);
    if (await trx('host_reservation').where({ vm_id: vmId }).first<object | undefined>()) return;
    const rooms = await readHostRooms(trx, { zoneId, accountId: vm.account_id, domainId: vm.domain_id });
    const size = { cpus: offering.cpu, ramMb: offering.ram_size };
    const placed = place(
      rooms.filter(({ id }) => hostId === undefined || id === hostId),
      { arch: template.arch, machines: [{ role: 'worker', ...size, hostTags: tagsOf(offering.host_tags) }] },
    );
    if ('missing' in placed) throw fault('CapacityExhausted', placed.missing.replace('worker machine 1 of 1', vm.name));
    const [chosen = ''] = placed.hosts;
    await takeRoom(trx, chosen, vmId, size, vm.name);
    await trx('vm_instance').where({ uuid: vmId }).update({ host_id: chosen });
  });
