import type { Stack } from '../stack.js';
import { ACTIONS } from './actions.js';
import { allCases, isKill, nameOf, type Case, type Line } from './cases.js';
import { Matrix, newLane } from './matrix.js';
import { SHAPES } from './operations.js';
import { escapedSteps } from './written.js';

/** With what caused it: "fetch failed" alone says nothing. */
const textOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.message}${error.cause === undefined ? '' : `: ${textOf(error.cause)}`}`
    : String(error);

export interface Drive {
  lanes: number;
  /** Which of all cases are run. */
  choose: (all: Case[]) => Case[];
  say: (line: string) => void;
  /** Milliseconds since the epoch after which no further case begins. */
  until?: number;
}
export interface Driven {
  lines: Line[];
  all: Case[];
  done: Case[];
  /** Cases that were chosen and not begun. */
  left: Case[];
  problems: string[];
  kills: number;
}

/** Runs a part of the fault matrix: reads the steps from good runs of all operations, breaks them, and looks for what is left over. */
export async function drive(stack: Stack, { lanes, choose, say, until = Infinity }: Drive): Promise<Driven> {
  const matrix = await Matrix.prepare(stack);
  const empty = JSON.stringify(await stack.worldWithoutCache());
  const places = Array.from({ length: lanes }, newLane);
  const sideBySide = (work: (lane: (typeof places)[number]) => Promise<void>) => Promise.all(places.map(work));

  const problems: string[] = [];
  const lines: Line[] = [];
  const operations = Object.keys(SHAPES);
  await sideBySide(async (lane) => {
    for (let one = operations.shift(); one; one = operations.shift())
      try {
        lines.push(...(await matrix.linesOf(one, lane)));
      } catch (error) {
        problems.push(`${one}, unbroken: ${textOf(error)}`);
        say(`FAILED ${problems.at(-1)}`);
        delete lane.subject;
        lane.form = '';
      }
  });
  const unknown = [...new Set(lines.map(({ kind }) => kind))].filter((kind) => !(kind in ACTIONS));
  if (unknown.length > 0)
    throw new Error(`nobody knows how to break steps of kind ${unknown.join(', ')}: say it in actions.ts`);
  problems.push(...escapedSteps(lines));

  const all = allCases(lines);
  const chosen = choose(all);
  const done: Case[] = [];
  const left = [...chosen];
  /** The next case that the lane's cluster will do for, else any. */
  const next = (form: string, of: (one: Case) => boolean): Case | undefined => {
    if (Date.now() > until) return undefined;
    const fits = left.findIndex((one) => of(one) && SHAPES[one.operation]!.from === form);
    const at = fits >= 0 ? fits : left.findIndex(of);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  const phase = (of: (one: Case) => boolean) => {
    matrix.killer.expected = places.length;
    return sideBySide(async (lane) => {
      for (let one = next(lane.form, of); one; one = next(lane.form, of)) {
        const begin = Date.now();
        try {
          await matrix.run(lane, one);
          say(`ok ${nameOf(one)} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
        } catch (error) {
          problems.push(textOf(error));
          say(`FAILED ${problems.at(-1)}`);
        }
        done.push(one);
      }
      matrix.killer.expected--;
    });
  };
  await phase(({ fault }) => !isKill(fault));
  await phase(({ fault }) => isKill(fault));
  await sideBySide((lane) => matrix.clear(lane).catch((error: unknown) => void problems.push(`at the end: ${textOf(error)}`))); // prettier-ignore
  // What a failed case left is its own; else nothing may be.
  if (problems.length === 0) {
    const world = JSON.stringify(await stack.worldWithoutCache());
    if (world !== empty) problems.push(`left over in the zone: ${world.slice(0, 2000)}`);
    const rows = stack.rows(`SELECT 'room' AS what, vm_id AS id FROM host_reservation
      UNION ALL SELECT 'machine', uuid FROM vm_instance WHERE removed IS NULL
      UNION ALL SELECT 'address', ip4_address FROM guest_address
      UNION ALL SELECT 'public address', public_ip_address FROM user_ip_address WHERE network_id IS NOT NULL
      UNION ALL SELECT 'rule', uuid FROM firewall_rules
      UNION ALL SELECT 'held cluster', uuid FROM operation WHERE active_cluster_id IS NOT NULL`);
    if (rows.length > 0) problems.push(`left over in the database: ${JSON.stringify(rows).slice(0, 2000)}`);
    const faults = await stack.faults();
    if (faults.length > 0) problems.push(`faults that never struck: ${JSON.stringify(faults)}`);
  }
  return { lines, all, done, left, problems, kills: matrix.killer.kills };
}
