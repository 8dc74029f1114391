import { StatusError } from './status-error.js';

/** Field numbers of the generated Kubernetes protocol buffers, for the kinds `kubectl create` sends in that form. */
type Field = [name: string, type: string];
type Message = Record<number, Field>;

const text = (...names: string[]): Message => Object.fromEntries(names.map((name, at) => [at + 1, [name, 'string']]));
const metadata: Message = { 1: ['metadata', 'ObjectMeta'] };

const MESSAGES: Record<string, Message> = {
  ObjectMeta: {
    1: ['name', 'string'],
    2: ['generateName', 'string'],
    3: ['namespace', 'string'],
    11: ['labels', 'map'],
    12: ['annotations', 'map'],
    14: ['finalizers', 'string[]'],
  },
  ConfigMap: { ...metadata, 2: ['data', 'map'], 3: ['binaryData', 'bytemap'], 4: ['immutable', 'bool'] },
  Secret: {
    ...metadata,
    2: ['data', 'bytemap'],
    3: ['type', 'string'],
    4: ['stringData', 'map'],
    5: ['immutable', 'bool'],
  },
  Namespace: metadata,
  ServiceAccount: metadata,
  PodDisruptionBudget: { ...metadata, 2: ['spec', 'BudgetSpec'] },
  BudgetSpec: { 1: ['minAvailable', 'IntOrString'], 2: ['selector', 'Selector'], 3: ['maxUnavailable', 'IntOrString'] },
  IntOrString: { 1: ['type', 'int'], 2: ['int', 'int'], 3: ['string', 'string'] },
  Selector: { 1: ['matchLabels', 'map'], 2: ['matchExpressions', 'Requirement[]'] },
  Requirement: { ...text('key', 'operator'), 3: ['values', 'string[]'] },
  Deployment: { ...metadata, 2: ['spec', 'DeploymentSpec'] },
  DeploymentSpec: { 1: ['replicas', 'int'], 2: ['selector', 'Selector'], 3: ['template', 'PodTemplate'] },
  PodTemplate: { ...metadata, 2: ['spec', 'PodSpec'] },
  PodSpec: { 2: ['containers', 'Container[]'] },
  Container: { ...text('name', 'image'), 3: ['command', 'string[]'], 4: ['args', 'string[]'] },
  Eviction: { ...metadata, 2: ['deleteOptions', 'DeleteOptions'] },
  DeleteOptions: {
    1: ['gracePeriodSeconds', 'int'],
    2: ['preconditions', 'Preconditions'],
    4: ['propagationPolicy', 'string'],
    5: ['dryRun', 'string[]'],
  },
  Preconditions: text('uid', 'resourceVersion'),
};
const KINDS = [
  'ConfigMap',
  'Secret',
  'Namespace',
  'ServiceAccount',
  'PodDisruptionBudget',
  'Deployment',
  'Eviction',
  'DeleteOptions',
];

/** The numbered fields of an encoded message, as numbers or bytes. */
function* fieldsOf(bytes: Buffer): Generator<[number, number | Buffer]> {
  let at = 0;
  const varint = (): number => {
    for (let value = 0n, shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new RangeError('varint too long');
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) yield [tag >>> 3, varint()];
    else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : -1;
      if (length < 0 || at + length > bytes.length) throw new RangeError('field ends after its message');
      yield [tag >>> 3, bytes.subarray(at, (at += length))];
    }
  }
}

function decodeMessage(message: Message, bytes: Buffer): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [number, raw] of fieldsOf(bytes)) {
    const [name, type] = message[number] ?? [];
    if (!name || !type) continue;
    if (type.endsWith('[]')) result[name] = [...((result[name] as unknown[]) ?? []), value(type.slice(0, -2), raw)];
    else if (type.endsWith('map')) {
      const [key, entry] = [...fieldsOf(raw as Buffer)].map(([, part]) => part as Buffer);
      const encoding = type === 'map' ? 'utf8' : 'base64';
      result[name] = { ...(result[name] as object), [key?.toString('utf8') ?? '']: entry?.toString(encoding) ?? '' };
    } else if (raw !== 0 || type === 'int') result[name] = value(type, raw);
    if (result[name] === '') delete result[name];
  }
  return result;
}

function value(type: string, raw: number | Buffer): unknown {
  if (type === 'string') return Buffer.isBuffer(raw) ? raw.toString('utf8') : '';
  if (type === 'int') return raw;
  if (type === 'bool') return raw === 1;
  const decoded = decodeMessage(MESSAGES[type]!, raw as Buffer);
  return type === 'IntOrString' ? (decoded.type === 1 ? decoded.string : decoded.int) : decoded;
}

/** Reads `k8s\0` and the envelope behind it; kinds not listed above are refused as unsupported. */
export function decodeProtobuf(body: Buffer): Record<string, unknown> {
  try {
    const parts = new Map(fieldsOf(body.subarray(4)));
    const { apiVersion, kind = '' } = decodeMessage(text('apiVersion', 'kind'), parts.get(1) as Buffer) as Record<
      string,
      string
    >;
    if (KINDS.includes(kind)) return { apiVersion, kind, ...decodeMessage(MESSAGES[kind]!, parts.get(2) as Buffer) };
    throw new StatusError(415, `the simulated API reads no protobuf ${kind}; send it as JSON`);
  } catch (cause) {
    if (cause instanceof StatusError) throw cause;
    throw new StatusError(400, `the body of the request is not protobuf: ${(cause as Error).message}`);
  }
}
