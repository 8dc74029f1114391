import { z } from 'zod';
import type { Resource } from './resources.js';
import { StatusError } from './status-error.js';

/** The types of the fields that controllers and tables read; a body that breaks them is refused, as by a real server. */
const text = z.string().optional();
const strings = z.record(z.string(), z.string()).optional();
const list = <T extends z.ZodType>(item: T) => z.array(item).optional();
const object = <T extends z.ZodRawShape>(shape: T) => z.looseObject(shape);
const amount = z.union([z.number().int().nonnegative(), z.string().regex(/^\d+%$/)]).optional();

const metadata = object({
  name: text,
  generateName: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  labels: strings,
  annotations: strings,
  finalizers: list(z.string()),
  ownerReferences: list(object({ apiVersion: z.string(), kind: z.string(), name: z.string(), uid: z.string() })),
}).optional();
const selector = object({
  matchLabels: strings,
  matchExpressions: list(object({ key: z.string(), operator: z.string(), values: list(z.string()) })),
}).optional();
const taint = object({ key: z.string(), value: text, effect: z.string() });
const toleration = object({ key: text, operator: text, value: text, effect: text });
const condition = object({ type: z.string(), status: z.string() });
const podSpec = object({
  nodeName: text,
  nodeSelector: strings,
  tolerations: list(toleration),
  containers: z.array(object({ name: z.string(), image: text })).min(1),
});
const workload = {
  spec: object({
    replicas: z.number().int().min(0).max(1000).optional(),
    selector: selector,
    template: object({ metadata, spec: podSpec }),
  }),
  status: z.record(z.string(), z.unknown()).optional(),
};

const SCHEMAS: Record<string, z.ZodRawShape> = {
  nodes: {
    spec: object({ unschedulable: z.boolean().optional(), taints: list(taint) }).optional(),
    status: object({
      conditions: list(condition),
      addresses: list(object({ type: z.string(), address: z.string() })),
      nodeInfo: strings,
    }).optional(),
  },
  pods: {
    spec: podSpec,
    status: object({
      phase: text,
      reason: text,
      podIP: text,
      startTime: text,
      conditions: list(condition),
      containerStatuses: list(object({ ready: z.boolean().optional(), restartCount: z.number().optional() })),
    }).optional(),
  },
  secrets: { type: text, data: strings, stringData: strings },
  configmaps: { data: strings, binaryData: strings },
  namespaces: { spec: object({}).optional(), status: object({ phase: text }).optional() },
  services: {
    spec: object({
      selector: strings,
      externalIPs: list(z.string()),
      ports: list(object({ port: z.number(), nodePort: z.number().optional() })),
    }).optional(),
  },
  'deployments.apps': workload,
  'replicasets.apps': workload,
  'statefulsets.apps': workload,
  'daemonsets.apps': workload,
  'leases.coordination.k8s.io': { spec: object({ holderIdentity: text }).optional() },
  'poddisruptionbudgets.policy': {
    spec: object({ selector, minAvailable: amount, maxUnavailable: amount }).refine(
      ({ minAvailable, maxUnavailable }) => minAvailable === undefined || maxUnavailable === undefined,
      'minAvailable and maxUnavailable cannot be both set',
    ),
    status: object({}).optional(),
  },
  'customresourcedefinitions.apiextensions.k8s.io': {
    spec: object({
      group: z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/),
      scope: z.enum(['Namespaced', 'Cluster']),
      names: object({
        plural: z.string(),
        kind: z.string(),
        shortNames: list(z.string()),
        categories: list(z.string()),
      }),
      versions: z.array(object({ name: z.string(), subresources: object({}).optional() })).min(1),
    }),
  },
};
const compiled = new Map<string, z.ZodType>();

/** Kubernetes decoders read null as absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutNulls(each)]));
}

export function assertTypes({ id, kind }: Resource, body: object): void {
  const key = id in SCHEMAS ? id : '';
  const schema = compiled.get(key) ?? object({ kind: text, apiVersion: text, metadata, ...SCHEMAS[key] });
  compiled.set(key, schema);
  const issue = schema.safeParse(body).error?.issues[0];
  if (!issue) return;
  const field = issue.path.join('.');
  const { name = '' } = (body as { metadata?: { name?: string } }).metadata ?? {};
  const details = { name, kind, causes: [{ reason: 'FieldValueInvalid', message: issue.message, field }] };
  throw new StatusError(422, `${kind} "${name}" is invalid: ${field}: ${issue.message}`, 'Invalid', details);
}
