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
}

export interface MachineWish {
  role: 'control' | 'worker' | 'etcd';
  cpus: number;
  ramMb: number;
}

export interface Wishes {
  hypervisor?: string;
  arch: string;
  machines: MachineWish[];
}

export type Placement = { hosts: string[] } | { missing: string };

/** A host for each machine, in order: control nodes spread first, then most free memory; or, per host, why there is none. */
export function place(hosts: readonly HostRoom[], wishes: Wishes): Placement {
  const rooms = hosts.map((host) => ({ ...host }));
  const chosen: string[] = [];
  for (const machine of wishes.machines) {
    const refusals = rooms.map((host) => refusal(host, wishes, machine));
    const candidates = rooms.filter((_, i) => refusals[i] === undefined);
    candidates.sort(
      (a, b) =>
        (machine.role === 'worker' ? 0 : a.controls - b.controls) ||
        b.freeRamMb - a.freeRamMb ||
        a.name.localeCompare(b.name),
    );
    const [best] = candidates;
    if (!best) {
      const why = rooms.map((host, i) => `${host.name}: ${refusals[i]}`).join('; ') || 'the zone has no hosts';
      return {
        missing: `no host has room for ${machine.role} machine ${chosen.length + 1} of ${wishes.machines.length} (${machine.cpus} CPUs, ${machine.ramMb} MB): ${why}`,
      };
    }
    best.freeCpus -= machine.cpus;
    best.freeRamMb -= machine.ramMb;
    if (machine.role !== 'worker') best.controls++;
    chosen.push(best.id);
  }
  return { hosts: chosen };
}

function refusal(host: HostRoom, wishes: Wishes, machine: MachineWish): string | undefined {
  if (!host.enabled) return 'not enabled';
  if (wishes.hypervisor !== undefined && host.hypervisor.toLowerCase() !== wishes.hypervisor.toLowerCase())
    return `its hypervisor is ${host.hypervisor}, not ${wishes.hypervisor}`;
  if (host.arch !== wishes.arch) return `its architecture is ${host.arch}, not ${wishes.arch}`;
  if (host.freeCpus < machine.cpus) return `${host.freeCpus} CPUs free`;
  if (host.freeRamMb < machine.ramMb) return `${host.freeRamMb} MB free`;
  return undefined;
}
