import type { KubeObject, LabelSelector } from './objects.js';
import { StatusError } from './status-error.js';

export type Matcher = (object: KubeObject) => boolean;

const FIELDS: Record<string, string[]> = {
  pods: ['spec.nodeName', 'spec.schedulerName', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
  nodes: ['spec.unschedulable'],
  namespaces: ['status.phase'],
  secrets: ['type'],
  events: ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']
    .map((field) => `involvedObject.${field}`)
    .concat('type', 'reason', 'source', 'reportingComponent'),
};

/** Commas separate requirements, but not inside `in (…)`. */
const split = (text: string): string[] =>
  text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter(Boolean);

export function matchesLabels(selector: LabelSelector, labels: Record<string, string> = {}): boolean {
  const pairs = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key in labels;
      if (operator === 'DoesNotExist') return !(key in labels);
      const listed = key in labels && values.includes(labels[key]!);
      return operator === 'In' ? listed : !listed;
    })
  );
}

export function labelMatcher(text: string | null): Matcher {
  const tests = split(text ?? '').map((part): Matcher => {
    const set = /^(\S+?)\s+(in|notin)\s*\((.*)\)$/.exec(part);
    const equality = /^([^!=\s]+)\s*(!=|==?)\s*([^=]*)$/.exec(part);
    const exists = /^(!?)\s*([\w./-]+)$/.exec(part);
    const [key, negated, values] = set
      ? [set[1]!, set[2] === 'notin', set[3]!.split(',').map((value) => value.trim())]
      : equality
        ? [equality[1]!, equality[2] === '!=', [equality[3]!.trim()]]
        : exists
          ? [exists[2]!, exists[1] === '!', undefined]
          : ['', false, undefined];
    if (!key) throw new StatusError(400, `unable to parse requirement: ${part}`);
    return ({ metadata: { labels = {} } }) =>
      (key in labels && (values === undefined || values.includes(labels[key]!))) !== negated;
  });
  return (object) => tests.every((test) => test(object));
}

const fieldOf = (object: unknown, path: string): string => {
  let value = object;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' ? String(value) : '';
};

export function fieldMatcher(text: string | null, resource: string): Matcher {
  const tests = split(text ?? '').map((part): Matcher => {
    const [, path, operator, wanted] = /^([^!=]+)(!=|==?)(.*)$/.exec(part) ?? [];
    if (!path) throw new StatusError(400, `invalid selector: '${part}'; can't understand it`);
    if (!['metadata.name', 'metadata.namespace', ...(FIELDS[resource] ?? [])].includes(path))
      throw new StatusError(400, `field label not supported: ${path}`);
    const booleanDefault = path === 'spec.unschedulable' ? 'false' : '';
    return (object) => ((fieldOf(object, path) || booleanDefault) === wanted) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}
