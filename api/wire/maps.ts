import { WireError } from './errors.js';

export type Unpacked = ReadonlyMap<string, string | ReadonlyMap<number, Map<string, string>>>;

const malformed = (name: string): WireError =>
  new WireError(
    430,
    9999,
    `Unable to decode parameter ${name.slice(0, 255)}; if specifying an object array, please use parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup`,
  );

/**
 * Names in lower case; indexed names (`name[0].field`) gathered as maps whose field names keep their capitals.
 * A `Map` at every level, so that a name like `__proto__` is only a name.
 */
export function unpack(sent: ReadonlyMap<string, string>): Unpacked {
  const unpacked = new Map<string, string | Map<number, Map<string, string>>>();
  for (const [name, value] of sent) {
    const open = name.indexOf('[');
    if (open <= 0) {
      unpacked.set(name.toLowerCase(), value);
      continue;
    }
    const parts = /^([^[\]]+)\[(\d{1,9})\]\.([^[\]]+)$/.exec(name);
    if (!parts) throw malformed(name);
    const [, base = '', index, field = ''] = parts;
    const key = base.toLowerCase();
    const held = unpacked.get(key);
    const entries: Map<number, Map<string, string>> = held instanceof Map
      ? held
      : new Map<number, Map<string, string>>();
    unpacked.set(key, entries);
    const entry = entries.get(Number(index)) ?? new Map<string, string>();
    entries.set(Number(index), entry.set(field, value));
  }
  return unpacked;
}
