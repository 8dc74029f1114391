import type { KubeObject, Metadata } from './objects.js';
import { randomSuffix } from './pods.js';
import { type Resource, groupVersionOf } from './resources.js';
import { assertTypes, withoutNulls } from './schemas.js';
import { StatusError } from './status-error.js';
import type { Store } from './store.js';

type Fields = Record<string, unknown>;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;
const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = ({ kind, group }: Resource, name: string, field: string, message: string): StatusError => {
  const details = { name, group, kind, causes: [{ reason: 'FieldValueInvalid', message, field }] };
  return new StatusError(
    422,
    `${kind}${group ? `.${group}` : ''} "${name}" is invalid: ${field}: ${message}`,
    'Invalid',
    details,
  );
};

/** Makes what a client sent into an object of this resource in this namespace, or says what is wrong with it. */
export function admit(resource: Resource, namespace: string | undefined, body: unknown, urlName?: string): KubeObject {
  const clean = withoutNulls(body);
  if (!isMap(clean)) throw new StatusError(400, 'the body of the request must be an object');
  assertTypes(resource, clean);
  const { kind = resource.kind, apiVersion } = clean;
  const expected = groupVersionOf(resource);
  if (kind !== resource.kind || (apiVersion ?? expected) !== expected)
    throw new StatusError(400, `expected ${expected} ${resource.kind}, not ${String(apiVersion)} ${String(kind)}`);
  const {
    selfLink: _,
    managedFields: __,
    deletionTimestamp: ___,
    ...sent
  } = (clean.metadata ?? {}) as Partial<Metadata> & Fields;
  const name = urlName ?? sent.name ?? (sent.generateName ? sent.generateName + randomSuffix() : '');
  if (urlName && sent.name && sent.name !== urlName)
    throw new StatusError(400, `the name of the object (${sent.name}) does not match the name on the URL (${urlName})`);
  if (sent.namespace && resource.namespaced && sent.namespace !== namespace)
    throw new StatusError(400, 'the namespace of the provided object does not match the namespace sent on the request');
  const nameFormat = resource.group.startsWith('rbac.') ? /^[^/%]{1,253}$/ : /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
  if (!name) throw invalid(resource, name, 'metadata.name', 'Required value: name or generateName is required');
  if (!nameFormat.test(name))
    throw invalid(resource, name, 'metadata.name', `Invalid value: "${name}": not an RFC 1123 name`);
  for (const field of ['labels', 'annotations'] as const)
    for (const [key, value] of Object.entries(sent[field] ?? {}))
      if (!LABEL_KEY.test(key) || (field === 'labels' && !LABEL_VALUE.test(value)))
        throw invalid(resource, name, `metadata.${field}`, `Invalid value: "${key}": "${value}"`);
  const { namespace: ____, ...rest } = sent;
  const metadata = { ...rest, name, ...(resource.namespaced && { namespace }) } as Metadata;
  return withDefaults(resource, { ...clean, apiVersion: expected, kind: resource.kind, metadata });
}

/** The defaults that controllers and clients count on. */
function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  const spec = object.spec as Fields | undefined;
  if (resource.id === 'pods') return { status: { phase: 'Pending' }, ...object };
  if (resource.id === 'nodes') return { ...object, spec: spec ?? {}, status: object.status ?? {} };
  if (resource.group === 'apps')
    return { status: {}, ...object, spec: { ...(resource.plural === 'daemonsets' ? {} : { replicas: 1 }), ...spec } };
  if (resource.id === 'secrets') {
    const { stringData, ...rest } = object as KubeObject & { stringData?: Record<string, string> };
    const encoded = Object.entries(stringData ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value).toString('base64'),
    ]);
    const data = { ...(rest.data as object | undefined), ...Object.fromEntries(encoded) };
    return { type: 'Opaque', ...rest, ...(Object.keys(data).length && { data }) };
  }
  if (resource.id === 'customresourcedefinitions.apiextensions.k8s.io') {
    const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True', reason: 'Simulated' }));
    return { ...object, status: { acceptedNames: spec?.names, conditions, storedVersions: [] } };
  }
  return object;
}

/** Services get an address of the service network when they are created. */
export function allocate(store: Store, resource: Resource, object: KubeObject): KubeObject {
  if (resource.id !== 'services') return object;
  const spec = { type: 'ClusterIP', ...(object.spec as Fields | undefined) };
  const place = store.version % 60_000;
  const clusterIP = `10.${96 + (place % 8)}.${place >> 8}.${(place % 253) + 1}`;
  return {
    ...object,
    spec: { ...(spec.type === 'ExternalName' ? {} : { clusterIP }), ...spec },
    status: { loadBalancer: {} },
  };
}
