import { setTimeout as timer } from 'node:timers';
import { admit, allocate } from './admission.js';
import { assertEvictable } from './budgets.js';
import { isControlled } from './controllers.js';
import { removeNode } from './nodes.js';
import { type KubeObject, type Pod, type Workload, timestamp } from './objects.js';
import { jsonPatch, mergePatch, strategicPatch } from './patch.js';
import type { Resource } from './resources.js';
import { StatusError, notFound } from './status-error.js';
import type { Store } from './store.js';
import { addNamespace } from './system-objects.js';

export interface Target {
  resource: Resource;
  namespace?: string;
  name?: string;
  subresource?: string;
}

export interface RestHooks {
  effect(action: string, key: string): Promise<void>;
  changed(): void;
  terminationMs(): number;
  runControllers(): void;
}

export interface DeleteOptions {
  dryRun?: string[];
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
}

const PATCHES: Record<string, (target: unknown, patch: unknown) => unknown> = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': mergePatch,
  'application/strategic-merge-patch+json': strategicPatch,
  'application/apply-patch+yaml': strategicPatch,
};

/** What may be done to stored objects. A request becomes one change, after its effect was announced. */
export class Rest {
  constructor(
    private readonly store: Store,
    private readonly hooks: RestHooks,
  ) {}

  read({ resource, namespace, name = '', subresource }: Target): KubeObject {
    const object = this.store.get(resource.id, namespace, name);
    if (!object) throw notFound(resource.id, name);
    return subresource === 'scale' ? scaleOf(object as Workload) : object;
  }

  async create(target: Target, body: unknown, dryRun: boolean, urlName?: string): Promise<KubeObject> {
    const { resource, namespace } = target;
    const object = admit(resource, namespace, body, urlName);
    const { name } = object.metadata;
    const check = (): void => {
      if (namespace !== undefined && !this.store.get('namespaces', undefined, namespace))
        throw notFound('namespaces', namespace);
      if (this.store.get(resource.id, namespace, name))
        throw new StatusError(409, `${resource.id} "${name}" already exists`, 'AlreadyExists', {
          name,
          kind: resource.id,
        });
    };
    check();
    if (dryRun) return { ...object, metadata: { ...object.metadata, uid: '', creationTimestamp: timestamp() } };
    await this.hooks.effect(`create.${resource.plural}`, name);
    check();
    if (resource.id === 'namespaces') {
      const created = addNamespace(this.store, object.metadata, object.spec as object | undefined);
      return this.settled(resource, created);
    }
    return this.settled(resource, this.store.add(resource.id, allocate(this.store, resource, object)));
  }

  async update(target: Target, body: unknown, dryRun: boolean): Promise<KubeObject> {
    const current = this.read({ ...target, subresource: undefined });
    if (target.subresource !== 'scale') admit(target.resource, target.namespace, body, target.name);
    if (!dryRun) await this.announce('update', target);
    return this.write(target, dryRun ? current : this.read({ ...target, subresource: undefined }), body, dryRun);
  }

  /** `created` tells whether server-side apply made the object. */
  async patch(
    target: Target,
    type: string,
    patch: unknown,
    dryRun: boolean,
  ): Promise<{ object: KubeObject; created: boolean }> {
    const apply = PATCHES[type];
    if (!apply) throw new StatusError(415, `the body of the request was in an unknown format: ${type}`);
    const { resource, namespace, name = '' } = target;
    if (type === 'application/apply-patch+yaml' && !this.store.get(resource.id, namespace, name))
      return { object: await this.create(target, patch, dryRun, name), created: true };
    this.read(target);
    if (!dryRun) await this.announce('patch', target);
    const whole = this.read({ ...target, subresource: undefined });
    const body = apply(target.subresource === 'scale' ? scaleOf(whole as Workload) : whole, patch);
    return { object: this.write(target, whole, body, dryRun), created: false };
  }

  async remove(target: Target, options: DeleteOptions, dryRun: boolean): Promise<KubeObject> {
    const { resource, name = '' } = target;
    const object = this.read(target);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (
      (uid && uid !== object.metadata.uid) ||
      (resourceVersion && resourceVersion !== object.metadata.resourceVersion)
    )
      throw new StatusError(409, `the precondition on ${resource.id} "${name}" does not hold`);
    if (resource.id === 'namespaces' && ['default', 'kube-system', 'kube-public'].includes(name))
      throw new StatusError(403, `namespaces "${name}" is forbidden: this namespace may not be deleted`);
    if (dryRun) return object;
    await this.hooks.effect(`delete.${resource.plural}`, name);
    return this.settled(resource, this.drop(resource, this.read(target), options));
  }

  async evict(target: Target, body: unknown, dryRun: boolean): Promise<void> {
    const { deleteOptions = {} } = (body ?? {}) as { deleteOptions?: DeleteOptions };
    const pod = this.read({ ...target, subresource: undefined }) as Pod;
    const uid = deleteOptions.preconditions?.uid;
    if (uid && uid !== pod.metadata.uid) throw new StatusError(409, `the UID of pod "${pod.metadata.name}" is another`);
    if (dryRun || deleteOptions.dryRun?.length) return assertEvictable(this.store, pod);
    await this.hooks.effect('evict.pods', pod.metadata.name);
    const current = this.read({ ...target, subresource: undefined }) as Pod;
    assertEvictable(this.store, current);
    this.settled(target.resource, this.drop(target.resource, current, deleteOptions));
  }

  private announce(verb: string, { resource, name = '', subresource }: Target): Promise<void> {
    return this.hooks.effect(`${verb}.${resource.plural}${subresource ? `/${subresource}` : ''}`, name);
  }

  private write(target: Target, current: KubeObject, body: unknown, dryRun: boolean): KubeObject {
    const { resource, namespace, name, subresource } = target;
    const sent = body as Partial<Workload> | undefined;
    const expected = sent?.metadata?.resourceVersion;
    if (expected && expected !== current.metadata.resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      throw new StatusError(409, `Operation cannot be fulfilled on ${resource.id} "${name}": ${why}`);
    }
    let next: KubeObject;
    if (subresource === 'scale') {
      const replicas = sent?.spec?.replicas ?? 0;
      if (!Number.isInteger(replicas) || replicas < 0 || replicas > 1000)
        throw new StatusError(422, 'spec.replicas must be between 0 and 1000');
      next = { ...current, spec: { ...(current as Workload).spec, replicas } };
    } else {
      next = admit(resource, namespace, body, name);
      if (subresource) next = { ...current, [subresource]: next[subresource] };
      else if (resource.subresources.includes('status')) next = { ...next, status: current.status };
    }
    if (dryRun) return next;
    const { finalizers = [] } = next.metadata;
    if (current.metadata.deletionTimestamp && !finalizers.length && current.metadata.finalizers?.length)
      this.store.remove(resource.id, current);
    else next = this.store.replace(resource.id, current, next);
    return this.settled(resource, next, target);
  }

  /** Removes now, or marks for removal what has finalizers or a pod that takes its time. */
  private drop(resource: Resource, object: KubeObject, options: DeleteOptions): KubeObject {
    const { store } = this;
    const { name, finalizers, deletionTimestamp } = object.metadata;
    const grace = resource.id === 'pods' && options.gracePeriodSeconds !== 0 ? this.hooks.terminationMs() : 0;
    if (finalizers?.length || grace > 0) {
      if (deletionTimestamp) return object;
      const metadata = { ...object.metadata, deletionTimestamp: timestamp(Date.now() + grace) };
      const marked = store.replace(resource.id, object, { ...object, metadata });
      if (grace > 0 && !finalizers?.length) timer(() => this.finish(resource, marked), grace).unref();
      return marked;
    }
    if (options.propagationPolicy === 'Orphan' || options.orphanDependents) this.orphan(object);
    if (resource.id === 'nodes') removeNode(store, name);
    else store.remove(resource.id, object);
    if (resource.id === 'namespaces')
      for (const id of store.resources()) for (const each of store.list(id, name)) store.remove(id, each);
    return object;
  }

  private finish(resource: Resource, { metadata }: KubeObject): void {
    const current = this.store.get(resource.id, metadata.namespace, metadata.name);
    if (current?.metadata.uid !== metadata.uid) return;
    this.store.remove(resource.id, current);
    this.settled(resource, current);
  }

  private orphan({ metadata: { uid } }: KubeObject): void {
    for (const id of this.store.resources())
      for (const object of this.store.list(id)) {
        const { ownerReferences } = object.metadata;
        if (!ownerReferences?.some((owner) => owner.uid === uid)) continue;
        const metadata = { ...object.metadata, ownerReferences: ownerReferences.filter((owner) => owner.uid !== uid) };
        this.store.replace(id, object, { ...object, metadata });
      }
  }

  private settled(resource: Resource, object: KubeObject, target?: Target): KubeObject {
    if (isControlled(resource.id) || resource.id === 'namespaces') this.hooks.runControllers();
    this.hooks.changed();
    const { namespace, name } = object.metadata;
    const now = this.store.get(resource.id, namespace, name) ?? object;
    return target?.subresource === 'scale' ? scaleOf(now as Workload) : now;
  }
}

function scaleOf({ metadata, spec, status }: Workload): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = Object.entries(spec.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status?.replicas ?? 0, selector: labels.join(',') },
  };
}
