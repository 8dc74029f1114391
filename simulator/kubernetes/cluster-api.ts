import { timingSafeEqual } from 'node:crypto';
import { type Server, createServer } from 'node:https';
import type { Socket } from 'node:net';
import { type ClusterCertificates, caHashOf, issueCertificates } from './certificates.js';
import { reconcile } from './controllers.js';
import { answer } from './http-api.js';
import { type NodeFacts, removeNode, setNodeReady, upsertNode } from './nodes.js';
import type { KubeObject } from './objects.js';
import { Rest } from './rest.js';
import { Store, type StoredObjects } from './store.js';
import { clusterVersion, putSystemObjects } from './system-objects.js';

export interface ClusterApiOptions {
  clusterName: string;
  version: string;
  endpoint: string;
  sans: string[];
}

/** Everything a simulated cluster is, as plain JSON; it contains private keys. */
export interface ClusterApiState {
  clusterName: string;
  version: string;
  endpoint: string;
  certificates: ClusterCertificates;
  resourceVersion: number;
  objects: StoredObjects;
}

const SERVICE_NAMES = ['', '.default', '.default.svc', '.default.svc.cluster.local'].map((rest) => `kubernetes${rest}`);

/** Longer than clients keep an idle connection, so that they never write into one that is being closed. */
const KEEP_ALIVE_MS = 120_000;

/** After a restore, versions start where none was handed out that the snapshot does not know. */
const RESTORE_STEP = 10_000;

/** The Kubernetes API of one simulated cluster: the real protocol, its own CA, no containers behind it. */
export class SimulatedKubernetes {
  onChange?: () => void;
  onEffect?: (action: string, key: string) => Promise<void>;
  /** how long a deleted or evicted pod stays Terminating */
  terminationMs = 0;
  readonly caHash: string;
  readonly caPem: string;

  private readonly store: Store;
  private readonly rest: Rest;
  private readonly sockets = new Set<Socket>();
  private server?: Server;
  private closed = false;

  private constructor(
    private readonly state: Omit<ClusterApiState, 'objects'>,
    objects: StoredObjects = {},
  ) {
    this.caPem = state.certificates.ca.cert;
    this.caHash = caHashOf(this.caPem);
    this.store = new Store(state.resourceVersion, objects);
    this.rest = new Rest(this.store, {
      effect: async (action, key) => this.onEffect?.(action, key),
      changed: () => this.onChange?.(),
      terminationMs: () => this.terminationMs,
    });
    this.settle();
  }

  static async create(options: ClusterApiOptions): Promise<SimulatedKubernetes> {
    const { clusterName, version, endpoint, sans } = options;
    const host = endpoint.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    const certificates = await issueCertificates([
      host,
      ...sans,
      ...SERVICE_NAMES,
      '10.96.0.1',
      '127.0.0.1',
      'localhost',
    ]);
    return new SimulatedKubernetes({ clusterName, version, endpoint, certificates, resourceVersion: 1 });
  }

  static async restore({ objects, ...state }: ClusterApiState): Promise<SimulatedKubernetes> {
    const ended = (pod: KubeObject): boolean => !!pod.metadata.deletionTimestamp && !pod.metadata.finalizers?.length;
    const pods = (objects.pods ?? []).filter((pod) => !ended(pod));
    const resourceVersion = state.resourceVersion + RESTORE_STEP;
    return new SimulatedKubernetes({ ...state, resourceVersion }, { ...objects, pods });
  }

  /** Shares the stored objects, which never change in place; write it out or copy it before editing it. */
  snapshot(): ClusterApiState {
    return { ...this.state, resourceVersion: this.store.version, objects: this.store.objects() };
  }

  /** `v1.34.2`: that of the oldest control node. */
  get version(): string {
    return clusterVersion(this.store, this.state.version);
  }

  kubeconfig(): string {
    const { cert, key } = this.state.certificates.admin;
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    return this.kubeconfigWith('kubernetes-admin', [
      `    client-certificate-data: ${base64(cert)}`,
      `    client-key-data: ${base64(key)}`,
    ]);
  }

  handle(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.closed) return void socket.destroy();
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    this.listener().emit('connection', socket);
  }

  upsertNode(node: NodeFacts): void {
    upsertNode(this.store, node);
    this.changed();
  }

  setNodeReady(name: string, ready: boolean): void {
    setNodeReady(this.store, name, ready);
    this.changed();
  }

  removeNode(name: string): void {
    removeNode(this.store, name);
    this.changed();
  }

  nodeNames(): string[] {
    return this.store.list('nodes').map(({ metadata }) => metadata.name);
  }

  /** True for a bootstrap token (`abcdef.0123456789abcdef`) that a Secret of this cluster allows to join now. */
  checkToken(token: string): boolean {
    const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? [];
    if (!id || !secret) return false;
    const found = this.store.get<KubeObject & { data?: Record<string, string> }>(
      'secrets',
      'kube-system',
      `bootstrap-token-${id}`,
    );
    if (!found || found.type !== 'bootstrap.kubernetes.io/token' || found.metadata.deletionTimestamp) return false;
    const field = (name: string): string => Buffer.from(found.data?.[name] ?? '', 'base64').toString('utf8');
    const [stored, given] = [Buffer.from(field('token-secret')), Buffer.from(secret)];
    const expiry = field('expiration');
    return (
      field('token-id') === id &&
      stored.length === given.length &&
      timingSafeEqual(stored, given) &&
      field('usage-bootstrap-authentication') === 'true' &&
      (!expiry || Date.parse(expiry) > Date.now())
    );
  }

  close(): void {
    this.closed = true;
    for (const socket of this.sockets) socket.destroy();
    this.server?.removeAllListeners('request');
    this.server = undefined;
  }

  private changed(): void {
    this.settle();
    this.onChange?.();
  }

  private settle(): void {
    const { clusterName, endpoint } = this.state;
    const discoveryKubeconfig = this.kubeconfigWith('', []);
    putSystemObjects(this.store, { clusterName, endpoint, version: this.version, discoveryKubeconfig });
    reconcile(this.store);
  }

  private kubeconfigWith(user: string, credentials: string[]): string {
    const context = user && `${user}@kubernetes`;
    return [
      'apiVersion: v1',
      'kind: Config',
      'preferences: {}',
      'clusters:',
      '- name: kubernetes',
      '  cluster:',
      `    certificate-authority-data: ${Buffer.from(this.caPem).toString('base64')}`,
      `    server: https://${this.state.endpoint}`,
      ...(user
        ? ['contexts:', `- name: ${context}`, '  context:', '    cluster: kubernetes', `    user: ${user}`]
        : ['contexts: []']),
      `current-context: ${JSON.stringify(context)}`,
      ...(user ? ['users:', `- name: ${user}`, '  user:', ...credentials] : ['users: []']),
      '',
    ].join('\n');
  }

  /** Made with the first connection: a cluster nobody talks to costs no TLS context. It never listens. */
  private listener(): Server {
    if (this.server) return this.server;
    const { server, ca } = this.state.certificates;
    const facts = { store: this.store, rest: this.rest, endpoint: this.state.endpoint, version: () => this.version };
    this.server = createServer(
      {
        ...server,
        ca: ca.cert,
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => void answer(facts, request, response),
    );
    this.server.on('tlsClientError', (_, socket) => socket.destroy());
    this.server.on('clientError', (_, socket) => socket.destroy());
    return this.server;
  }
}
