import type { Caller, Command } from '../command.js';
import type { Db } from '../../db/knex.js';
import { isSharedWith } from '../../db/networks.js';
import type { Param, Params, Values } from '../params.js';
import { parseDate } from './dates.js';
import { findEntities, UUID, type Found } from './entities.js';
import { badParameter, NO_ACCESS, WireError } from './errors.js';
import type { Unpacked } from './maps.js';

/** Whether the caller may act on what the account owns. */
export type MayAccess = (accountId: string) => Promise<boolean>;

type Raw = string | ReadonlyMap<number, ReadonlyMap<string, string>>;

const prefix = (command: Command) => `Unable to execute API command ${command.name.toLowerCase()} due to`;
const invalid = (command: Command, name: string, value: string) =>
  badParameter(`${prefix(command)} invalid value ${value.slice(0, 255)} for parameter ${name}`);
const unknown = (command: Command, name: string, value: string) =>
  badParameter(
    `${prefix(command)} invalid value. Invalid parameter ${name} value=${value.slice(0, 255)} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.`,
  );

/** Blank numbers, ids and dates count as absent; a blank `long` is an error and falls through to its schema. */
const isAbsent = (param: Param, raw: Raw | undefined): boolean =>
  raw === undefined ||
  (typeof raw === 'string' && raw.trim() === '' && ['integer', 'uuid', 'date'].includes(param.type));

function convert(command: Command, name: string, param: Param, raw: Raw): unknown {
  if (param.type === 'map') {
    if (typeof raw === 'string') throw invalid(command, name, raw);
    const entries = [...raw].sort(([a], [b]) => a - b).map(([, entry]) => Object.fromEntries(entry));
    return param.schema.parse(entries);
  }
  if (typeof raw !== 'string') throw invalid(command, name, `${name}[…]`);
  if ((param.type === 'string' || param.type === 'list') && raw.length > param.length) {
    throw badParameter(`Value greater than max allowed length ${param.length} for param: ${name}`);
  }
  if (param.type === 'date') {
    const moment = parseDate(raw, param.endOfDay);
    if (!moment)
      throw badParameter(
        `Unable to parse date ${raw.slice(0, 100)} for command ${command.name.toLowerCase()}, please pass dates in the format yyyy-MM-dd or yyyy-MM-dd'T'HH:mm:ssZ`,
      );
    return moment;
  }
  const parsed = param.schema.safeParse(raw);
  if (!parsed.success) throw invalid(command, name, raw);
  return parsed.data;
}

async function lookUp(
  db: Db,
  command: Command,
  name: string,
  param: Param,
  values: readonly string[],
  caller: Caller,
  mayAccess: MayAccess,
): Promise<string[]> {
  const entity = param.entity!;
  const known = param.since === undefined ? values : values.filter((value) => UUID.test(value));
  const found = await findEntities(db, entity, known, param.since === undefined);
  const owners = new Set<string>();
  const shared: string[] = [];
  const uuids = known.map((value) => {
    const row: Found | undefined = found.get(value);
    if (!row && value !== '-1') throw unknown(command, name, value);
    if (param.access === 'use' && row?.acl_type === 'Domain') shared.push(row.uuid);
    else if (param.access && row?.account_id) owners.add(row.account_id);
    return row?.uuid ?? value;
  });
  for (const owner of owners) if (!(await mayAccess(owner))) throw new WireError(531, 4365, NO_ACCESS);
  for (const network of shared)
    if (caller.role !== 'A' && !(await isSharedWith(db, network, caller.domain.path)))
      throw new WireError(531, 4365, NO_ACCESS);
  return uuids;
}

/** A page number needs a page size and the reverse, unless the size is -1 (all). */
function checkPaging(unpacked: Unpacked): void {
  const [page, size] = [unpacked.get('page'), unpacked.get('pagesize')];
  if (page && !size) throw badParameter('"pagesize" parameter is required when "page" is specified');
  if (size && !page && size !== '-1') throw badParameter('"page" parameter is required when "pagesize" is specified');
}

/** The parameter stage: every declared parameter checked and converted, ids looked up; unknown names are ignored. */
export async function readValues<P extends Params>(
  db: Db,
  command: Command & { params: P },
  caller: Caller,
  unpacked: Unpacked,
  mayAccess: MayAccess,
): Promise<Values<P>> {
  const values: Record<string, unknown> = {};
  for (const [name, param] of Object.entries(command.params)) {
    const raw = unpacked.get(name);
    if (param.roles && !param.roles.includes(caller.role)) continue;
    if (param.required && raw === undefined) throw badParameter(`${prefix(command)} missing parameter ${name}`);
    if (param.required && raw === '') throw badParameter(`Invalid value provided for API arg: ${name}`, 4350);
    if (isAbsent(param, raw) || raw === undefined) continue;
    const value = convert(command, name, param, raw);
    if (!param.entity) values[name] = value;
    else if (Array.isArray(value))
      values[name] = await lookUp(db, command, name, param, value as string[], caller, mayAccess);
    else values[name] = (await lookUp(db, command, name, param, [value as string], caller, mayAccess))[0];
  }
  if ('pagesize' in command.params) checkPaging(unpacked);
  return values as Values<P>;
}
