import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient, ApiError, type Answer, type Credentials } from './client.js';
import { shown } from './home.js';
import { duration, endedSince, isOver, liveBlock, type OperationView } from './progress.js';
import type { Screen } from './screen.js';

const NAME = 'demo';
const POLL_MS = 300;
/** A fresh zone registers its versions in the background; the first is there within seconds. */
const VERSION_WAIT_MS = 120_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export interface Admin extends Credentials {
  username: string;
  password: string;
  temporalui: string;
}

export function readAdmin(home: string): Admin {
  return JSON.parse(readFileSync(join(home, 'admin.json'), 'utf8')) as Admin;
}

/** Numeric order of dotted versions: 1.9.0 < 1.10.0. */
export function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The demonstration cluster: made unless there is one, and watched until its operation is over. */
export class Demo {
  readonly #api: ApiClient;
  readonly #seen = new Set<string>();

  constructor(
    private readonly home: string,
    private readonly screen: Screen,
    private readonly stopping: () => boolean,
    admin: Admin,
  ) {
    // Asked on loopback: the endpoint may be an address that nodes reach and this machine's firewall does not let itself use.
    this.#api = new ApiClient(admin);
  }

  /** The demonstration cluster when it ended up Running. */
  async run(): Promise<Answer | undefined> {
    const present = await this.#find();
    if (present) {
      const operation = await this.#current(String(present.id));
      if (operation && !isOver(operation)) {
        this.screen.line(`Going on with the simulated cluster "${NAME}" (${operation.operation}):`);
        await this.#watch(String(present.id), operation.id);
      }
    } else {
      const { id, jobid } = await this.#create();
      if (this.stopping()) return undefined;
      await this.#watch(id, undefined, jobid);
    }
    const cluster = await this.#find();
    if (!cluster || this.stopping()) return undefined;
    if (cluster.state === 'Running') await this.#saveKubeconfig(String(cluster.id));
    return cluster;
  }

  /** Calls until the API answers: parts may be started again at any moment. Refusals by the API are final. */
  async #call(command: string, parameters: Record<string, string> = {}): Promise<Answer> {
    for (;;) {
      try {
        return await this.#api.call(command, parameters);
      } catch (error) {
        if ((error instanceof ApiError && error.status < 500) || this.stopping()) throw error;
        if (error instanceof ApiError && error.status >= 530) throw error; // CloudStack's own codes, not a server's trouble
        await sleep(POLL_MS);
      }
    }
  }

  async #find(): Promise<Answer | undefined> {
    const { kubernetescluster = [] } = await this.#call('listKubernetesClusters', { name: NAME, listall: 'true' });
    return (kubernetescluster as Answer[]).find((cluster) => cluster.name === NAME);
  }

  async #only(command: string, item: string, name: string): Promise<string> {
    const found = ((await this.#call(command, { name }))[item] ?? []) as Answer[];
    const hit = found.find((each) => each.name === name);
    if (!hit) throw new Error(`there is no ${item} named ${name}`);
    return String(hit.id);
  }

  async #newestVersion(zoneid: string): Promise<Answer> {
    for (let waited = 0; ; waited += POLL_MS) {
      const { kubernetessupportedversion = [] } = await this.#call('listKubernetesSupportedVersions', { zoneid });
      const versions = (kubernetessupportedversion as Answer[])
        .filter((version) => version.state === 'Enabled' && (version.isostate ?? 'Ready') === 'Ready')
        .sort((a, b) => byVersion(String(b.semanticversion), String(a.semanticversion)));
      if (versions[0]) return versions[0];
      if (waited > VERSION_WAIT_MS || this.stopping()) throw new Error('no supported Kubernetes version is enabled');
      await sleep(POLL_MS);
    }
  }

  async #create(): Promise<{ id: string; jobid: string }> {
    const zoneid = await this.#only('listZones', 'zone', 'sim-1');
    const [serviceofferingid, version] = await Promise.all([
      this.#only('listServiceOfferings', 'serviceoffering', 'small'),
      this.#newestVersion(zoneid),
    ]);
    this.screen.line(
      `Creating the simulated cluster "${NAME}" in zone sim-1: Kubernetes ${version.semanticversion}, 1 control node, 1 worker. ` +
        'No real machine is made.',
    );
    const answer = await this.#call('createKubernetesCluster', {
      name: NAME,
      description: 'Demonstration cluster (simulated)',
      zoneid,
      serviceofferingid,
      kubernetesversionid: String(version.id),
      controlnodes: '1',
      size: '1',
    });
    return { id: String(answer.id), jobid: String(answer.jobid) };
  }

  async #operations(clusterId: string): Promise<OperationView[]> {
    const answer = await this.#call('listKubernetesClusterOperations', { kubernetesclusterid: clusterId });
    return (answer.kubernetesclusteroperation ?? []) as OperationView[];
  }

  async #current(clusterId: string): Promise<OperationView | undefined> {
    return (await this.#operations(clusterId)).find((operation) => !isOver(operation));
  }

  async #watch(clusterId: string, operationId?: string, jobId?: string): Promise<void> {
    const began = Date.now();
    while (!this.stopping()) {
      const operations = await this.#operations(clusterId);
      const operation = operations.find((each) => each.id === operationId || each.jobid === jobId) ?? operations[0];
      if (operation) {
        if (this.screen.live) this.screen.show(liveBlock(operation, this.screen.rows).map((line) => `  ${line}`));
        else for (const line of endedSince(operation, this.#seen)) this.screen.line(`  ${line}`);
        if (isOver(operation)) {
          this.screen.end(true);
          const reason = operation.reason ? `: ${operation.reason}` : '';
          this.screen.line(
            `${operation.operation} ${operation.state} after ${duration((Date.now() - began) / 1000)}${reason}`,
          );
          return;
        }
      }
      await sleep(POLL_MS);
    }
    this.screen.end();
  }

  async #saveKubeconfig(id: string): Promise<void> {
    const { clusterconfig } = await this.#call('getKubernetesClusterConfig', { id });
    const path = join(this.home, `${NAME}.kubeconfig`);
    writeFileSync(`${path}.new`, String(clusterconfig.configdata), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** What the newcomer can do next, each line ready to paste. */
export function nextSteps(
  home: string,
  admin: Admin,
  cluster: Answer | undefined,
  has: { cs: boolean; kubectl: boolean },
): string[] {
  const lines = [
    '',
    `Page        ${new URL('/', admin.endpoint).href}   user ${admin.username}, password in ${shown(join(home, 'admin.json'))}`,
  ];
  lines.push(`Temporal    ${admin.temporalui}`);
  const missing = (tool: 'cs' | 'kubectl', how: string) => (has[tool] ? '' : `   # first: ${how}`);
  lines.push(
    `API         CLOUDSTACK_CONFIG=${shown(join(home, 'cloudstack.ini'))} cs listKubernetesClusters${missing('cs', 'pip install cs')}`,
  );
  if (cluster?.state === 'Running') {
    const how = missing('kubectl', 'apt-get install kubernetes-client, or https://kubernetes.io/docs/tasks/tools');
    lines.push(`kubectl     kubectl --kubeconfig ${shown(join(home, `${NAME}.kubeconfig`))} get nodes -o wide${how}`);
  } else if (cluster) {
    const resume = `cs resumeKubernetesClusterOperation kubernetesclusterid=${cluster.id}`;
    lines.push(
      `Cluster     "${NAME}" is ${cluster.state}. Try it again: CLOUDSTACK_CONFIG=${shown(join(home, 'cloudstack.ini'))} ${resume}`,
    );
  }
  return [
    ...lines,
    '',
    'Zone sim-1 and everything in it is simulated. Ctrl-C stops; the next npm start goes on with the same data.',
  ];
}
