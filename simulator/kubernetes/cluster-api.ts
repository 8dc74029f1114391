import { timingSafeEqual } from 'node:crypto';
import { type Server, createServer } from 'node:https';
import type { Socket } from 'node:net';
import { type ClusterCertificates, caHashOf, issueCertificates, renewCertificates } from './certificates.js';
import { Controllers, reconcile } from './controllers.js';
import { type Component, putComponent, removeComponent } from './components.js';
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
  /** When its certificates were made, by the calendar of the zone. */
  now?: number;
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

const YEAR = 365 * 24 * 3600_000;

/** After a restore, versions start where none was handed out that the snapshot does not know. */
const RESTORE_STEP = 10_000;

/** The Kubernetes API of one simulated cluster: the real protocol, its own CA, no containers behind it. */
export class SimulatedKubernetes {
  onChange?: () => void;
  onEffect?: (action: string, key: string) => Promise<void>;
  /** Before a request that only reads is answered. */
  onLook?: (action: string, key: string) => Promise<void>;
  /** how long a deleted or evicted pod stays Terminating */
  terminationMs = 0;
  /** the calendar that client certificates end by */
  now: () => number = Date.now;
  readonly caHash: string;
  readonly caPem: string;

  private readonly store: Store;
  private readonly rest: Rest;
  private readonly controllers: Controllers;
  private readonly sockets = new Set<Socket>();
  private server?: Server;
  private expiredServer?: Promise<Server>;
  private closed = false;

  private constructor(
    private state: Omit<ClusterApiState, 'objects'>,
    objects: StoredObjects = {},
  ) {
    this.caPem = state.certificates.ca.cert;
    this.caHash = caHashOf(this.caPem);
    this.store = new Store(state.resourceVersion, objects);
    this.rest = new Rest(this.store, {
      effect: async (action, key) => this.onEffect?.(action, key),
      changed: () => this.onChange?.(),
      terminationMs: () => this.terminationMs,
      runControllers: () => this.controllers.run(),
    });
    this.controllers = new Controllers(
      () => this.settle(),
      () => this.onChange?.(),
    );
    this.controllers.run();
  }

  static async create(options: ClusterApiOptions): Promise<SimulatedKubernetes> {
    const { clusterName, version, endpoint, sans, now = Date.now() } = options;
    const host = endpoint.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    const names = [host, ...sans, ...SERVICE_NAMES, '10.96.0.1', '127.0.0.1', 'localhost'];
    const certificates = await issueCertificates(names, now);
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

  /** `v1.34.2`: that of the newest control node, so it follows the first that is upgraded. */
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

  /** `expired`: with a server certificate whose time is over, which no client accepts. */
  handle(socket: Socket, expired = false): void {
    socket.on('error', () => socket.destroy());
    if (this.closed) return void socket.destroy();
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    if (!expired) return void this.listener().emit('connection', socket);
    this.expiredServer ??= renewCertificates(this.state.certificates, Date.now() - 1000).then((old) => this.serve(old));
    void this.expiredServer.then((server) => server.emit('connection', socket));
  }

  /** New certificates for the server and the administrator, which begin at that date; the server starts again with them. */
  async renew(now: number): Promise<void> {
    this.state = { ...this.state, certificates: await renewCertificates(this.state.certificates, now + YEAR) };
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    this.onChange?.();
  }

  hasNode(name: string): boolean {
    return this.store.get('nodes', undefined, name) !== undefined;
  }

  putComponent(name: Component, args: string[] = []): void {
    this.change(() => putComponent(this.store, name, args));
  }

  removeComponent(name: Component): void {
    this.change(() => removeComponent(this.store, name));
  }

  upsertNode(node: NodeFacts): void {
    this.change(() => upsertNode(this.store, node));
  }

  setNodeReady(name: string, ready: boolean | 'Unknown'): void {
    this.change(() => setNodeReady(this.store, name, ready));
  }

  removeNode(name: string): void {
    this.change(() => removeNode(this.store, name));
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
    this.controllers.stop();
    for (const socket of this.sockets) socket.destroy();
    this.server?.removeAllListeners('request');
    this.server = undefined;
    this.expiredServer = undefined;
  }

  private change(act: () => void): void {
    const before = this.store.version;
    act();
    if (this.store.version === before) return;
    this.controllers.run();
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
    return (this.server ??= this.serve(this.state.certificates));
  }

  private serve({ server: own, ca }: ClusterCertificates): Server {
    const facts = {
      store: this.store,
      rest: this.rest,
      look: async (action: string, key: string) => this.onLook?.(action, key),
      endpoint: this.state.endpoint,
      version: () => this.version,
      now: () => this.now(),
    };
    const server = createServer(
      {
        ...own,
        ca: ca.cert,
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => void answer(facts, request, response),
    );
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.on('clientError', (_, socket) => socket.destroy());
    return server;
  }
}
