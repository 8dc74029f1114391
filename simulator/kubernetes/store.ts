import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type KubeObject, type Metadata, timestamp } from './objects.js';

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: string;
  object: KubeObject;
  previous?: KubeObject;
  version: number;
}

export type StoredObjects = Record<string, KubeObject[]>;
export type Draft = Omit<KubeObject, 'metadata'> & { metadata: Partial<Metadata> & { name: string } };

/** How many changes a watch may be behind before it has to list again. */
const HISTORY = 300;

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

/** Objects by resource, namespace and name. A stored object is never changed in place, so references may be kept. */
export class Store {
  private readonly buckets = new Map<string, Map<string, KubeObject>>();
  private history: Change[] = [];
  private floor: number;
  /** Of all objects. */
  readonly uids = new Set<string>();
  readonly listeners = new Set<(change: Change) => void>();

  constructor(
    public version = 1,
    objects: StoredObjects = {},
  ) {
    this.floor = version;
    for (const [resource, list] of Object.entries(objects)) for (const object of list) this.hold(resource, object);
  }

  get<T extends KubeObject>(resource: string, namespace: string | undefined, name: string): T | undefined {
    return this.buckets.get(resource)?.get(keyOf(namespace, name)) as T | undefined;
  }

  list<T extends KubeObject>(resource: string, namespace?: string): T[] {
    const all = [...(this.buckets.get(resource)?.values() ?? [])] as T[];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  resources(): string[] {
    return [...this.buckets.keys()];
  }

  add<T extends KubeObject>(resource: string, draft: Draft): T {
    const metadata = { ...draft.metadata, uid: randomUUID(), creationTimestamp: timestamp() };
    const object = this.stamp({ ...draft, metadata: { generation: 1, ...metadata } } as KubeObject);
    this.hold(resource, object);
    this.publish({ type: 'ADDED', resource, object, version: this.version });
    return object as T;
  }

  /** Puts `next` in the place of `current`; nothing happens when they are equal. */
  replace<T extends KubeObject>(resource: string, current: T, next: T): T {
    const { uid, creationTimestamp, resourceVersion, generation = 1, deletionTimestamp } = current.metadata;
    const fixed = { uid, creationTimestamp, resourceVersion, generation, deletionTimestamp };
    const candidate = { ...next, metadata: { ...next.metadata, ...fixed } };
    if (next.metadata.deletionTimestamp) candidate.metadata.deletionTimestamp = next.metadata.deletionTimestamp;
    if (!candidate.metadata.deletionTimestamp) delete candidate.metadata.deletionTimestamp;
    if (isDeepStrictEqual(candidate, current)) return current;
    if (!isDeepStrictEqual(candidate.spec, current.spec)) candidate.metadata.generation = generation + 1;
    const object = this.stamp(candidate);
    this.bucket(resource).set(keyOf(object.metadata.namespace, object.metadata.name), object);
    this.publish({ type: 'MODIFIED', resource, object, previous: current, version: this.version });
    return object;
  }

  remove(resource: string, { metadata: { namespace, name } }: KubeObject): void {
    const current = this.get(resource, namespace, name);
    if (!current) return;
    this.bucket(resource).delete(keyOf(namespace, name));
    this.uids.delete(current.metadata.uid);
    const object = this.stamp(current);
    this.publish({ type: 'DELETED', resource, object, previous: current, version: this.version });
  }

  /** The changes after `version`, or undefined if they are no longer known. */
  since(version: number): Change[] | undefined {
    return version < this.floor ? undefined : this.history.filter((change) => change.version > version);
  }

  objects(): StoredObjects {
    return Object.fromEntries([...this.buckets].map(([resource, bucket]) => [resource, [...bucket.values()]]));
  }

  private hold(resource: string, object: KubeObject): void {
    this.bucket(resource).set(keyOf(object.metadata.namespace, object.metadata.name), object);
    this.uids.add(object.metadata.uid);
  }

  private stamp<T extends KubeObject>(object: T): T {
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
  }

  private bucket(resource: string): Map<string, KubeObject> {
    let bucket = this.buckets.get(resource);
    if (!bucket) this.buckets.set(resource, (bucket = new Map<string, KubeObject>()));
    return bucket;
  }

  private publish(change: Change): void {
    this.history.push(change);
    if (this.history.length > 2 * HISTORY) {
      this.history = this.history.slice(-HISTORY);
      this.floor = this.history[0]!.version - 1;
    }
    for (const listener of [...this.listeners]) listener(change);
  }
}
