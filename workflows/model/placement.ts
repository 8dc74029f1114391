import type { GroupRule } from './affinity.js';
import type { NodeRoleName } from './operation.js';

/** Where machines go: a pure function of what hosts have left (design §6 "Storage and placement"). */
export interface HostRoom {
  id: string;
  name: string;
  hypervisor: string;
  arch: string;
  enabled: boolean;
  freeCpus: number;
  freeRamMb: number;
  /** Control nodes of this cluster that are there already. */
  controls: number;
  /** Dedicated etcd nodes of this cluster that are there already. */
  etcds?: number;
  tags?: readonly string[];
  dedicatedTo?: Dedication;
  /** The affinity groups of the machines to be placed, with how many of each group's machines are there already. */
  groups?: readonly HostGroup[];
}

/** Whom a host is dedicated to, seen from the owner of the machines. */
export interface Dedication {
  /** 0: the owner's account; 1: his domain; 2: the domain above; …; null: somebody else. */
  distance: number | null;
}

export interface HostGroup extends GroupRule {
  id: string;
  name: string;
  /** Machines of which roles are in the group. */
  roles: readonly NodeRoleName[];
  /** Machines of the group on this host. */
  members: number;
}

export interface MachineWish {
  role: NodeRoleName;
  cpus: number;
  ramMb: number;
  /** Tags that its host must have, all of them. */
  hostTags?: readonly string[];
  /** Of its template, where that is not the one of all machines. */
  arch?: string;
}

export interface Wishes {
  hypervisor?: string;
  arch: string;
  machines: readonly MachineWish[];
}

export type Placement = { hosts: string[] } | { missing: string };

/** Hosts that a refusal gives the reason of. */
const TOLD = 20;

/**
 * A host for each machine, in order; or, per host, why there is none. Where hosts are dedicated to the owner of the machines, only
 * those are used, the nearest first; hosts that are dedicated to others never. Then: what affinity groups prefer, control and etcd
 * nodes spread, most free memory.
 */
export function place(hosts: readonly HostRoom[], wishes: Wishes): Placement {
  const rooms = hosts.map(asRoom);
  const onlyDedicated = rooms.some(({ dedicatedTo }) => dedicatedTo && dedicatedTo.distance !== null);
  const chosen: string[] = [];
  for (const [i, machine] of wishes.machines.entries()) {
    const held = membersOf(rooms);
    const refusals = rooms.map((host) => refusal(host, wishes, machine, onlyDedicated, held));
    const candidates = rooms.filter((_, at) => refusals[at] === undefined);
    const together = needTogether(rooms, wishes.machines.slice(i), held);
    const rank = (host: Room) => [
      host.dedicatedTo?.distance ?? 0,
      preference(host, machine.role),
      together && (host.freeCpus < together.cpus || host.freeRamMb < together.ramMb) ? 1 : 0,
      machine.role === 'control' ? host.controls : machine.role === 'etcd' ? host.etcds : 0,
      machine.role === 'worker' ? 0 : host.controls + host.etcds,
      -host.freeRamMb,
    ];
    const best = lowest(candidates, rank);
    if (!best) return { missing: `no host has room for ${machine.role} machine ${i + 1} of ${wishes.machines.length} (${machine.cpus} CPUs, ${machine.ramMb} MB): ${told(rooms, refusals)}` }; // prettier-ignore
    best.freeCpus -= machine.cpus;
    best.freeRamMb -= machine.ramMb;
    if (machine.role === 'control') best.controls++;
    if (machine.role === 'etcd') best.etcds++;
    for (const group of best.groups) if (group.roles.includes(machine.role)) group.members++;
    chosen.push(best.id);
  }
  return { hosts: chosen };
}

/** The strict group that a machine of the role would break on a host, in words; undefined when none does. */
export function brokenGroup(hosts: readonly HostRoom[], hostId: string, role: NodeRoleName): string | undefined {
  const rooms = hosts.map(asRoom);
  const room = rooms.find(({ id }) => id === hostId);
  return room && refusedByGroup(room, role, membersOf(rooms));
}

const asRoom = (host: HostRoom): Room => ({
  ...host,
  etcds: host.etcds ?? 0,
  groups: (host.groups ?? []).map((group) => ({ ...group })),
});

type Room = HostRoom & { etcds: number; groups: HostGroup[] };

/** Members of each group on all hosts together. */
function membersOf(rooms: readonly Room[]): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  for (const { groups } of rooms) for (const { id, members } of groups) held.set(id, (held.get(id) ?? 0) + members);
  return held;
}

/**
 * What the machines that must share the next one's host need together, while its group has none yet: the first of them would
 * otherwise take a host that is too small for the rest.
 */
function needTogether(
  rooms: readonly Room[],
  [next, ...rest]: readonly MachineWish[],
  held: ReadonlyMap<string, number>,
): { cpus: number; ramMb: number } | undefined {
  if (!next) return undefined;
  const groups = (rooms[0]?.groups ?? []).filter(
    ({ id, kind, roles }) => kind === 'affinity' && roles.includes(next.role) && (held.get(id) ?? 0) === 0,
  );
  if (groups.length === 0) return undefined;
  const sharing = [next, ...rest.filter(({ role }) => groups.some(({ roles }) => roles.includes(role)))];
  return {
    cpus: sharing.reduce((sum, { cpus }) => sum + cpus, 0),
    ramMb: sharing.reduce((sum, { ramMb }) => sum + ramMb, 0),
  };
}

/** Less is better: groups that are not strict prefer a host, or another one. */
const preference = (host: Room, role: NodeRoleName): number =>
  host.groups
    .filter(({ strict, roles }) => !strict && roles.includes(role))
    .reduce((sum, { kind, members }) => sum + (kind === 'affinity' ? -members : members), 0);

function lowest(rooms: readonly Room[], rank: (host: Room) => number[]): Room | undefined {
  const ranked = rooms.map((host) => ({ host, keys: rank(host) }));
  ranked.sort((a, b) => {
    const at = a.keys.findIndex((key, i) => key !== b.keys[i]);
    return at < 0 ? a.host.name.localeCompare(b.host.name) : a.keys[at]! - b.keys[at]!;
  });
  return ranked[0]?.host;
}

function told(rooms: readonly Room[], refusals: readonly (string | undefined)[]): string {
  if (rooms.length === 0) return 'the zone has no hosts';
  const why = rooms.slice(0, TOLD).map(({ name }, i) => `${name}: ${refusals[i]}`);
  return [...why, ...(rooms.length > TOLD ? [`and ${rooms.length - TOLD} more hosts`] : [])].join('; ');
}

function refusal(
  host: Room,
  wishes: Wishes,
  machine: MachineWish,
  onlyDedicated: boolean,
  held: ReadonlyMap<string, number>,
): string | undefined {
  if (!host.enabled) return 'not enabled';
  if (host.dedicatedTo?.distance === null) return 'dedicated to others';
  if (onlyDedicated && !host.dedicatedTo) return 'not dedicated to the owner, and other hosts are';
  if (wishes.hypervisor !== undefined && host.hypervisor.toLowerCase() !== wishes.hypervisor.toLowerCase())
    return `its hypervisor is ${host.hypervisor}, not ${wishes.hypervisor}`;
  const arch = machine.arch ?? wishes.arch;
  if (host.arch !== arch) return `its architecture is ${host.arch}, not ${arch}`;
  const lacking = (machine.hostTags ?? []).filter((tag) => !(host.tags ?? []).includes(tag));
  if (lacking.length > 0) return `lacks host tag ${lacking.join(', ')}`;
  const broken = refusedByGroup(host, machine.role, held);
  if (broken !== undefined) return broken;
  if (host.freeCpus < machine.cpus) return `${host.freeCpus} CPUs free`;
  if (host.freeRamMb < machine.ramMb) return `${host.freeRamMb} MB free`;
  return undefined;
}

function refusedByGroup(host: Room, role: NodeRoleName, held: ReadonlyMap<string, number>): string | undefined {
  const broken = host.groups.find((group) => breaks(group, role, held));
  if (broken?.kind === 'anti-affinity') return `anti-affinity group ${broken.name} has a machine there`;
  return broken && `affinity group ${broken.name} is on another host`;
}

/** Anti-affinity leaves one machine of the group per host; affinity pins to the hosts of those that are there (`behaviour.md` §4.7). */
function breaks(group: HostGroup, role: NodeRoleName, held: ReadonlyMap<string, number>): boolean {
  if (!group.strict || !group.roles.includes(role)) return false;
  return group.kind === 'anti-affinity' ? group.members > 0 : group.members === 0 && (held.get(group.id) ?? 0) > 0;
}
