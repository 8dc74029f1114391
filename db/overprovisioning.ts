import { readSettings } from './configuration.js';
import type { Db } from './knex.js';

/** How many times over the CPUs and the memory of a host are given to machines. */
export interface Factors {
  cpu: number;
  ram: number;
}

export async function readFactors(db: Db): Promise<Factors> {
  const settings = await readSettings(db);
  return { cpu: settings['cpu.overprovisioning.factor'], ram: settings['mem.overprovisioning.factor'] };
}

/** Condition on a host's row: there is room for so many CPUs and MB more. */
export const hasRoomFor = ({ cpu, ram }: Factors, cpus: number, ramMb: number): [sql: string, values: number[]] => [
  'cpus_used + ? <= cpus * ? AND ram_mb_used + ? <= ram_mb * ?',
  [cpus, cpu, ramMb, ram],
];
