import type { HostNetwork, Hypervisor } from './driver.js';

/** Names of what a machine has on its host beside its domain `name`. */
export const volumeOf = (name: string): string => `${name}-root`;
export const seedOf = (name: string): string => `${name}-seed`;

/** Leaves a machine on, in its network: a host that was switched off has lost its bridges. */
export async function startMachine(hypervisor: Hypervisor, name: string, network: HostNetwork): Promise<void> {
  await hypervisor.ensureNetwork(network);
  await hypervisor.ensureRunning(name);
}

/** Leaves no domain, seed or volume of a machine on its host. */
export async function removeMachine(hypervisor: Hypervisor, name: string): Promise<void> {
  await hypervisor.ensureAbsent(name);
  await hypervisor.ensureSeedAbsent(seedOf(name));
  await hypervisor.ensureVolumeAbsent(volumeOf(name));
}
