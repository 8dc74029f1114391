import { list, type Item } from './api.js';

let zones: Promise<Item[]> | undefined;

/** The zones, read once per page load; a failure is not kept. */
export function readZones(): Promise<Item[]> {
  zones ??= list('listZones', 'zone')
    .then(({ items }) => items)
    .catch((error: unknown) => {
      zones = undefined;
      throw error;
    });
  return zones;
}

export const forgetZones = (): void => void (zones = undefined);

export const simulatedZones = async (): Promise<Set<string>> =>
  new Set((await readZones()).filter((zone) => zone.hypervisor === 'Simulator').map((zone) => String(zone.id)));
