import type { Hypervisor } from './driver.js';

/** Names of what a machine has on its host beside its domain `name`. */
export const volumeOf = (name: string): string => `${name}-root`;
export const seedOf = (name: string): string => `${name}-seed`;

/** Leaves no domain, seed or volume of a machine on its host. */
export async function removeMachine(hypervisor: Hypervisor, name: string): Promise<void> {
  await hypervisor.ensureAbsent(name);
  await hypervisor.ensureSeedAbsent(seedOf(name));
  await hypervisor.ensureVolumeAbsent(volumeOf(name));
}
