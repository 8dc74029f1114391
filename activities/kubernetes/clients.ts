import { Agent } from 'node:https';
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  NetworkingV1Api,
  type RequestContext,
  type V1Node,
} from '@kubernetes/client-node';
import type { Knex } from 'knex';
import { readSecret, type Sealer } from '../../db/secret.js';
import { fault } from '../../workflows/model/fault.js';
import { afterwards, callSignal } from '../within.js';
import { ask } from './ask.js';

const MOST_KEPT = 100;
/** An API server that takes a request and never answers must not hold the request, and its connection, for ever. */
const ANSWER_MS = 30_000;

/** A kubeconfig whose connections are kept: one TLS handshake serves many requests. Each request ends in time, and with its activity. */
class KeptKubeConfig extends KubeConfig {
  #agent: Agent | undefined;
  constructor(private readonly answerMs: number) {
    super();
  }
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    const made = context.getAgent() as Agent;
    this.#agent ??= new Agent({ ...made.options, keepAlive: true, maxSockets: 8, timeout: ANSWER_MS });
    context.setAgent(this.#agent);
    const limit = AbortSignal.timeout(this.answerMs);
    const activity = callSignal();
    context.setSignal(activity ? AbortSignal.any([activity, limit]) : limit);
  }
  close(): void {
    this.#agent?.destroy();
  }
}

interface Kept {
  config: KeptKubeConfig;
  text: string;
  api: CoreV1Api;
  nodes?: { at: number; list: Promise<Map<string, V1Node>> };
}

/** API servers of clusters, each verified with the cluster's own CA from its sealed kubeconfig. */
export class KubernetesClients {
  readonly #kept = new Map<string, Kept>();
  constructor(
    private readonly db: Knex,
    private readonly sealer: Sealer,
    private readonly answerMs = ANSWER_MS,
  ) {}

  async open(clusterId: string): Promise<CoreV1Api> {
    return (await this.#client(clusterId)).api;
  }

  /** For the workloads that are asked for once in a while. */
  async apps(clusterId: string): Promise<AppsV1Api> {
    return (await this.#client(clusterId)).config.makeApiClient(AppsV1Api);
  }

  async networking(clusterId: string): Promise<NetworkingV1Api> {
    return (await this.#client(clusterId)).config.makeApiClient(NetworkingV1Api);
  }

  /** The nodes of a cluster by name, at most `maxAgeMs` old: those who wait for nodes of one cluster share one request. */
  async nodes(clusterId: string, maxAgeMs: number): Promise<Map<string, V1Node>> {
    const kept = await this.#client(clusterId);
    if (!kept.nodes || performance.now() - kept.nodes.at > maxAgeMs) {
      // It is everybody's: the end of the activity that happened to ask does not end it.
      const list = afterwards(this.answerMs, () => ask('list the nodes', () => kept.api.listNode())).then(
        ({ items }) => new Map(items.map((node) => [node.metadata?.name ?? '', node])),
      );
      kept.nodes = { at: performance.now(), list };
    }
    return kept.nodes.list;
  }

  async #client(clusterId: string): Promise<Kept> {
    const secret = await readSecret(this.db, this.sealer, `cluster/${clusterId}`, 'kubeconfig');
    if (!secret) throw fault('Internal', `cluster ${clusterId} has no kubeconfig yet`);
    const text = secret.reveal();
    const found = this.#kept.get(clusterId);
    if (found?.text === text) return found;
    found?.config.close();
    const config = new KeptKubeConfig(this.answerMs);
    config.loadFromString(text);
    const kept: Kept = { config, text, api: config.makeApiClient(CoreV1Api) };
    this.#kept.delete(clusterId);
    this.#kept.set(clusterId, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) {
      this.#kept.get(oldest)?.config.close();
      this.#kept.delete(oldest);
    }
    return kept;
  }
}
