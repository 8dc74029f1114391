import { z } from 'zod';
import type { Role } from './command.js';
import type { EntityName } from './wire/entities.js';

export type ApiType = 'boolean' | 'date' | 'integer' | 'list' | 'long' | 'map' | 'string' | 'uuid';

/** One parameter of a command. `schema` turns the wire's text (for maps: the entries) into the handler's value. */
export interface Param<T = unknown, R extends boolean = boolean> {
  type: ApiType;
  description: string;
  required: R;
  since?: string;
  length: number;
  /** The table that a uuid, or each element of a list, is looked up in. */
  entity?: EntityName;
  /** The caller must own the named object or administer its owner; else 531. `use`: or it is a network that is shared with his domain. */
  access?: boolean | 'use';
  /** Other callers' values are ignored and the parameter is hidden from them. */
  roles?: readonly Role[];
  /** Values as sent must not reach logs. */
  sensitive?: boolean;
  /** A plain date means the end of that day (`enddate`). */
  endOfDay?: boolean;
  schema: z.ZodType<T>;
}
export type Params = Readonly<Record<string, Param>>;
export type Values<P extends Params> = {
  [K in keyof P]: P[K] extends Param<infer T, infer R> ? (true extends R ? T : T | undefined) : never;
};

interface Options<R extends boolean> {
  description: string;
  required?: R;
  since?: string;
  length?: number;
  roles?: readonly Role[];
  sensitive?: boolean;
  endOfDay?: boolean;
}
interface EntityOptions<R extends boolean> extends Options<R> {
  access?: boolean | 'use';
}

const make = <T, R extends boolean>(
  type: ApiType,
  schema: z.ZodType<T>,
  options: Options<R>,
  rest: Partial<Param> = {},
): Param<T, R> => ({
  type,
  schema,
  length: 255,
  ...(rest as Partial<Param<T, R>>),
  ...options,
  required: (options.required ?? false) as R,
});

const isWhole = (text: string, low: bigint, high: bigint): boolean => {
  if (!/^[+-]?\d{1,20}$/.test(text)) return false;
  const value = BigInt(text.replace('+', ''));
  return value >= low && value <= high;
};
const whole = (low: bigint, high: bigint) =>
  z
    .string()
    .refine((text) => isWhole(text, low, high))
    .transform(Number);

const tokens = z.string().transform((text) =>
  text
    .split(',')
    .map((token) => token.trim())
    .filter(Boolean),
);

export type MapEntry = Readonly<Record<string, string>>;
const entries = z.array(z.record(z.string(), z.string()));

/** Constructors of parameters: `params: { name: p.string({ description: '…', required: true }) }`. */
export const p = {
  string: <R extends boolean = false>(options: Options<R>) => make('string', z.string(), options),
  /** `true` in any letter case is true, anything else is false. */
  boolean: <R extends boolean = false>(options: Options<R>) =>
    make(
      'boolean',
      z.string().transform((text) => text.toLowerCase() === 'true'),
      options,
    ),
  integer: <R extends boolean = false>(options: Options<R>) =>
    make('integer', whole(-(2n ** 31n), 2n ** 31n - 1n), options),
  long: <R extends boolean = false>(options: Options<R>) => make('long', whole(-(2n ** 63n), 2n ** 63n - 1n), options),
  date: <R extends boolean = false>(options: Options<R>) => make<Date, R>('date', z.date(), options),
  /** The handler receives the object's uuid; the object exists, though it may be removed. `-1` passes through. */
  uuid: <R extends boolean = false>(entity: EntityName, options: EntityOptions<R>) =>
    make('uuid', z.string(), options, { entity }),
  list: <R extends boolean = false>(options: Options<R>) => make('list', tokens, options, { length: 65536 }),
  /** Comma-separated ids; the handler receives uuids. */
  uuids: <R extends boolean = false>(entity: EntityName, options: EntityOptions<R>) =>
    make('list', tokens, options, { entity, length: 65536 }),
  /** `name[0].node=…&name[0].offering=…` as `[{node, offering}]`, in index order. */
  map: <R extends boolean = false>(options: Options<R>) => make('map', entries as z.ZodType<MapEntry[]>, options),
  /** `name[0].FREE=…` flattened into one object. */
  details: <R extends boolean = false>(options: Options<R>) =>
    make(
      'map',
      entries.transform((all) => Object.assign(Object.create(null), ...all) as MapEntry),
      options,
    ),
};

export const KEYWORD = { keyword: p.string({ description: 'List by keyword' }) };

export const PAGING = {
  ...KEYWORD,
  page: p.integer({ description: 'the page number, from 1; needs pagesize' }),
  pagesize: p.integer({ description: 'the number of entries per page' }),
};

/** The owner of something to be made. */
export const OWNER = {
  account: p.string({ description: 'the account of the object; must be used with domainid' }),
  domainid: p.uuid('domain', { description: 'the domain of the account' }),
  projectid: p.uuid('project', { description: 'the project of the object' }),
};

/** Whose objects a list shows (`api.md` §1.6). */
export const OWNERSHIP = {
  listall: p.boolean({ description: 'true: everything the caller may see; false, the default: what the caller owns' }),
  account: p.string({ description: 'list objects of this account; with domainid' }),
  domainid: p.uuid('domain', { description: 'list objects of this domain' }),
  isrecursive: p.boolean({ description: 'with domainid: include its sub-domains; default false' }),
  projectid: p.uuid('project', { description: 'list objects of this project; -1 for all projects of the caller' }),
};
