import { isDeepStrictEqual } from 'node:util';
import { StatusError } from './status-error.js';

type Json = Record<string, unknown>;
const isOwn = (value: unknown, key: string): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key);
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Json = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  return result;
}

/** Lists that are merged entry by entry, with the key of an entry; all others, such as taints, are replaced. */
const MERGE_KEYS: Record<string, string[]> = {
  addresses: ['type'],
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  ephemeralContainers: ['name'],
  hostAliases: ['ip'],
  imagePullSecrets: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  ports: ['containerPort', 'port'],
  secrets: ['name'],
  topologySpreadConstraints: ['topologyKey'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
};
const PRIMITIVE_SETS = new Set(['finalizers']);

/** A strategic merge patch, near enough for `kubectl` and for what server-side apply does to fields it is given. */
export function strategicPatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  if (patch.$patch === 'delete') return undefined;
  const result: Json = isMap(target) && patch.$patch !== 'replace' ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    const [directive, list] = key.split('/');
    if (directive === '$deleteFromPrimitiveList' && list && Array.isArray(value) && Array.isArray(result[list]))
      result[list] = (result[list] as unknown[]).filter((each) => !value.includes(each));
    else if (key.startsWith('$')) continue;
    else if (value === null) delete result[key];
    else if (Array.isArray(value)) result[key] = mergeList(key, result[key], value);
    else {
      const merged = strategicPatch(result[key], value);
      if (merged === undefined) delete result[key];
      else result[key] = merged;
    }
  }
  return result;
}

function mergeList(name: string, target: unknown, patch: unknown[]): unknown[] {
  const current: unknown[] = Array.isArray(target) ? target : [];
  if (PRIMITIVE_SETS.has(name)) return [...new Set([...current, ...patch])];
  if (patch.some((entry) => isMap(entry) && entry.$patch === 'replace'))
    return patch.filter((entry) => !(isMap(entry) && entry.$patch));
  const key = MERGE_KEYS[name]?.find((each) => patch.every((entry) => isMap(entry) && each in entry));
  if (!key) return patch.filter((entry) => !(isMap(entry) && entry.$patch === 'delete'));
  const result = [...current];
  for (const entry of patch as Json[]) {
    const at = result.findIndex((each) => isMap(each) && each[key] === entry[key]);
    if (entry.$patch === 'delete') {
      if (at >= 0) result.splice(at, 1);
    } else if (at >= 0) result[at] = strategicPatch(result[at], entry);
    else result.push(strategicPatch({}, entry));
  }
  return result;
}

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

const invalid = (message: string): StatusError => new StatusError(422, `the server rejected our request: ${message}`);
const pointer = (path: string): string[] => {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw invalid(`bad JSON pointer ${path}`);
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
};

/** RFC 6902. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new StatusError(400, 'a JSON patch is a list of operations');
  const document = { root: structuredClone(target) };
  const parentOf = (path: string): [Json | unknown[], string] => {
    const parts = ['root', ...pointer(path)];
    const last = parts.pop()!;
    let parent: unknown = document;
    for (const part of parts) parent = isOwn(parent, part) ? (parent as Json)[part] : undefined;
    if (typeof parent !== 'object' || parent === null) throw invalid(`no such path ${path}`);
    return [parent as Json, last];
  };
  const read = (path: string): unknown => {
    const [parent, key] = parentOf(path);
    if (!isOwn(parent, key)) throw invalid(`no such path ${path}`);
    return (parent as Json)[key];
  };
  const remove = (path: string): void => {
    read(path);
    const [parent, key] = parentOf(path);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  };
  const add = (path: string, value: unknown): void => {
    const [parent, key] = parentOf(path);
    if (Array.isArray(parent)) parent.splice(key === '-' ? parent.length : Number(key), 0, value);
    else parent[key] = value;
  };
  for (const { op, path, from = '', value } of operations as Operation[]) {
    if (op === 'test') {
      if (!isDeepStrictEqual(read(path), value)) throw invalid(`testing path ${path} failed`);
    } else if (op === 'remove') remove(path);
    else if (op === 'add') add(path, value);
    else if (op === 'replace') {
      const [parent, key] = parentOf(path);
      read(path);
      (parent as Json)[key] = value;
    } else if (op === 'copy' || op === 'move') {
      const moved = structuredClone(read(from));
      if (op === 'move') remove(from);
      add(path, moved);
    } else throw invalid(`unknown operation ${op}`);
  }
  return document.root;
}
