import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, LabWorld } from './world.js';

export interface Wish {
  name: string;
  version: string;
  controls?: number;
  workers?: number;
  more?: Record<string, string>;
}
interface KubeNode {
  metadata: { name: string; labels: Record<string, string> };
  spec: { unschedulable?: boolean };
  status: { conditions: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } };
}

/** A machine as its row has it. */
export interface LabMachine {
  name: string;
  instance_name: string;
  uuid: string;
  state: string;
  ip_address: string;
}
/** What a run on a machine ended with. */
export interface NodeAnswer {
  key: string;
  state: string;
  result: Record<string, unknown>;
  error: string;
}

export const OFFERING = 'small';
/** A machine beside others that build and test takes its time; a healthy one needs a fifth of this. */
export const CREATE_SECONDS = 1200;

/** A cluster that the service made, seen by its users' clients `cs` and `kubectl`, and by what there is of it on the machine. */
export class LabCluster {
  private constructor(
    readonly world: LabWorld,
    readonly id: string,
    readonly name: string,
    private readonly before: Left,
  ) {}

  private static readonly sharedOnes: LabCluster[] = [];

  /** Asks for the cluster and answers at once, with the job. */
  static async begin(world: LabWorld, wish: Wish): Promise<{ cluster: LabCluster; job: string }> {
    const { name, version, controls = 1, workers = 1, more = {} } = wish;
    const offering = await world.first('listServiceOfferings', { name: OFFERING });
    const versionId = world.versions.get(version);
    assert(versionId, `version ${version} is not known`);
    const before = leftOf(world);
    const asked = await world.cs(
      'createKubernetesCluster',
      {
        name, zoneid: world.zone, serviceofferingid: String(offering['id']), kubernetesversionid: versionId, controlnodes: String(controls), size: String(workers), ...more,
      },
      '--async',
    ); // prettier-ignore
    return { cluster: new LabCluster(world, String(asked['id']), name, before), job: String(asked['jobid']) };
  }

  static async create(world: LabWorld, wish: Wish): Promise<LabCluster> {
    const { cluster, job } = await LabCluster.begin(world, wish);
    await cluster.succeeds(job, CREATE_SECONDS);
    await cluster.storeKubeconfig();
    return cluster;
  }

  /** The cluster of this name that an earlier case left, else a new one. */
  static async shared(world: LabWorld, wish: Wish): Promise<LabCluster> {
    const there = ({ id }: LabCluster) => world.rows("SELECT 1 FROM kubernetes_cluster WHERE uuid = ? AND removed IS NULL AND state = 'Running'", id).length > 0;
    const known = this.sharedOnes.find((cluster) => cluster.name === wish.name && there(cluster));
    if (known) return known;
    const cluster = await LabCluster.create(world, wish);
    this.sharedOnes.push(cluster);
    return cluster;
  } // prettier-ignore

  /** Waits until a step of this kind runs. */
  async reaches(job: string, kind: string): Promise<void> {
    const runs = () =>
      this.world.rows(
        "SELECT 1 FROM operation_step s JOIN operation o ON o.uuid = s.operation_id WHERE o.job_id = ? AND s.kind = ? AND s.state = 'running'",
        job,
        kind,
      ).length > 0;
    await this.world.until(`${kind} runs`, () => runs() || this.world.progress(job), CREATE_SECONDS, 50);
  }

  /** A changing command on the cluster, waited for. */
  async change(command: string, parameters: Record<string, string>, seconds = CREATE_SECONDS): Promise<void> {
    await this.succeeds(await this.world.begun(command, parameters), seconds);
  }

  async succeeds(job: string, seconds: number): Promise<void> {
    const { job_status, job_result } = await this.world.jobEnds(job, seconds);
    assert.equal(job_status, 1, `job of cluster ${this.name}: ${String(job_result)}`);
  }

  async row(): Promise<Answer> {
    return this.world.first('listKubernetesClusters', { id: this.id });
  }

  /** Machines of the cluster, as rows know them. */
  machines(): (LabMachine & { role: string })[] {
    return this.world.rows(
      'SELECT v.name, v.instance_name, v.uuid, v.state, v.ip_address, m.role FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id WHERE m.cluster_id = ? ORDER BY v.name',
      this.id,
    );
  }
  /** A machine that its user makes in the cluster's network; no node of it yet. */
  async deployMachine(name: string, more: Record<string, string> = {}): Promise<LabMachine> {
    const { world } = this;
    const offering = await world.first('listServiceOfferings', { name: OFFERING });
    await this.change('deployVirtualMachine', {
      name, zoneid: world.zone, serviceofferingid: String(offering['id']), templateid: world.template, networkids: String((await this.row())['networkid']), ...more,
    });
    // A case that failed may have left another one of the name.
    return world.rows<LabMachine>('SELECT name, instance_name, uuid, state, ip_address FROM vm_instance WHERE name = ? AND removed IS NULL ORDER BY id', name).at(-1)!;
  } // prettier-ignore

  root = (machine: { instance_name: string }): string => join(this.world.libvirt.pool, `${machine.instance_name}-root`);

  // --- kubectl -----------------------------------------------------------------------------------------------------------

  get kubeconfig(): string {
    return join(this.world.folder, `${this.name}.kubeconfig`);
  }
  async storeKubeconfig(): Promise<void> {
    const { clusterconfig } = await this.world.cs('getKubernetesClusterConfig', { id: this.id });
    writeFileSync(this.kubeconfig, String((clusterconfig as Answer)['configdata']), { mode: 0o600 });
  }
  kubectl(...words: string[]): Promise<string> {
    return this.world.run('kubectl', '--kubeconfig', this.kubeconfig, '--request-timeout=20s', ...words);
  }
  async get<T = Answer>(...words: string[]): Promise<T> {
    return JSON.parse(await this.kubectl('get', ...words, '-o', 'json')) as T;
  }
  async apply(manifest: string): Promise<void> {
    const file = join(this.world.folder, `${this.name}.manifest.yaml`);
    writeFileSync(file, manifest);
    await this.kubectl('apply', '-f', file);
  }
  /** Names of pods. */
  async pods(namespace: string, ...words: string[]): Promise<string[]> {
    const { items } = await this.get<{ items: { metadata: { name: string } }[] }>('-n', namespace, 'pods', ...words);
    return items.map(({ metadata }) => metadata.name);
  }
  podsOn = (node: string): Promise<string[]> => this.pods('default', `--field-selector=spec.nodeName=${node}`);
  async nodes(): Promise<KubeNode[]> {
    return (await this.get<{ items: KubeNode[] }>('nodes')).items;
  }

  /** A program in a node's network: the machine has it, the node need not. */
  onNode(machine: { instance_name: string }, ...words: string[]): Promise<string> {
    return this.world.run('nsenter', '-t', this.world.libvirt.firstOf(machine.instance_name), '-n', ...words);
  }
  /** A program of the node, as root there. */
  inNode(machine: { instance_name: string }, ...words: string[]): Promise<string> {
    const path = 'PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return this.world.run(
      'nsenter',
      '-t',
      this.world.libvirt.firstOf(machine.instance_name),
      '-a',
      'env',
      '-i',
      path,
      ...words,
    );
  }

  /**
   * Ends all SSH connections of the nodes' user to a machine, as a network that fails does, once a unit there is active if one is named; what
   * they began goes on. Answers how many.
   */
  async cutSsh(machine: { instance_name: string }, unit?: string): Promise<number> {
    const once = unit === undefined ? '' : `until systemctl is-active -q ${unit}; do sleep 0.02; done; `;
    const line =
      once + 'for pid in $(pgrep -f "^sshd: cloud"); do kill -9 "$pid" && echo "$pid"; done 2>/dev/null || true';
    let ended = '';
    try {
      ended = await this.inNode(machine, 'timeout', '60', 'bash', '-c', line);
    } catch {
      // A machine that is not up has none.
    }
    return ended.split('\n').filter(Boolean).length;
  }

  // --- what has to be true -----------------------------------------------------------------------------------------------

  /** Rows, machines, Kubernetes and the API tell the same, every node is Ready with the version, and CoreDNS runs. */
  async expectHealthy({ controls = 1, workers = 1, version }: { controls?: number; workers?: number; version: string }): Promise<void> {
    const row = await this.row();
    assert.equal(row['state'], 'Running', `state of ${this.name}: ${String(row['reason'] ?? '')}`);
    assert.equal(row['kubernetesversionid'], this.world.versions.get(version), 'version of the row');
    const machines = this.machines();
    const count = (role: string) => machines.filter((one) => one.role === role).length;
    assert.deepEqual([count('control'), count('worker')], [controls, workers], 'machines by role');
    const nodes = await this.nodes();
    assert.deepEqual(
      nodes.map(({ metadata }) => metadata.name).sort(),
      machines.filter(({ role }) => role !== 'etcd').map(({ name }) => name).sort(),
      'nodes are machines',
    );
    for (const { metadata, status, spec } of nodes) {
      assert.equal(status.conditions.find(({ type }) => type === 'Ready')?.status, 'True', `${metadata.name} is Ready`);
      assert.equal(status.nodeInfo.kubeletVersion, `v${version}`, `kubelet of ${metadata.name}`);
      assert.equal(spec.unschedulable, undefined, `${metadata.name} takes pods`);
    }
    const domains = this.world.domains();
    for (const { instance_name } of machines) assert(domains.running.includes(instance_name), `${instance_name} runs`);
    await this.kubectl('-n', 'kube-system', 'wait', '--for=condition=Available', 'deployment/coredns', '--timeout=180s');
  } // prettier-ignore

  /** A pod serves, a pod of another node finds its service's name, and the service is reached from that node. */
  async expectServes(): Promise<void> {
    await this.apply(WEB);
    await this.kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=180s');
    await this.kubectl('wait', '--for=condition=Ready', 'pod/asker', '--timeout=120s');
    const asker = (...words: string[]) => this.kubectl('exec', 'asker', '--', '/bin/busybox', ...words);
    const { spec } = await this.get<{ spec: { clusterIP: string } }>('service', 'web');
    // Name and address apart: a static busybox can ask name servers, but not connect.
    const named = () => asker('nslookup', 'web.default.svc.cluster.local').then((text) => text.includes(spec.clusterIP) || text, (error: Error) => error.message);
    await this.world.until("the service's name leads to its address", named, 90, 1000);
    const control = this.machines().find(({ role }) => role === 'control')!;
    const served = () => this.onNode(control, 'curl', '-sS', '-m', '5', `http://${spec.clusterIP}/index.html`).then((text) => /served by web-/.test(text) || text, (error: Error) => error.message);
    await this.world.until('the service answers', served, 90, 1000);
    await this.kubectl('delete', 'deployment/web', 'service/web', 'pod/asker', '--wait=true', '--grace-period=1', '--timeout=90s');
  } // prettier-ignore

  /** What the secret of the cloud controller holds lets it call this service, from a node too, and nothing past its few commands. */
  async expectCloudSecret(): Promise<void> {
    const { data } = await this.get<{ data: Record<string, string> }>('-n', 'kube-system', 'secret', 'cloudstack-secret');
    const config = Buffer.from(data['cloud-config'] ?? '', 'base64').toString('utf8');
    const value = (name: string) => new RegExp(`^${name} = (.+)$`, 'm').exec(config)?.[1] ?? '';
    const env = { CLOUDSTACK_ENDPOINT: value('api-url'), CLOUDSTACK_KEY: value('api-key'), CLOUDSTACK_SECRET: value('secret-key') };
    const asService = (command: string) => this.world.run('env', ...Object.entries(env).map(([name, text]) => `${name}=${text}`), 'cs', '--post', '--quiet', command);
    const listed = JSON.parse(await asService('listKubernetesClusters')) as { kubernetescluster: { id: string }[] };
    assert(listed.kubernetescluster.some(({ id }) => id === this.id), 'the cloud controller finds its cluster');
    await assert.rejects(asService('listHosts'), /432/);
    const control = this.machines().find(({ role }) => role === 'control')!;
    const answered = await this.onNode(control, 'curl', '-sS', '-m', '10', '-o', '/dev/null', '-w', '%{http_code}', env.CLOUDSTACK_ENDPOINT);
    assert.equal(answered, '401', 'the API as a node reaches it, without a signature');
  } // prettier-ignore

  /** Where a machine keeps what its runs of `cks-node` left. */
  runsFolder = (machine: { instance_name: string }): string => join(this.root(machine), 'var/lib/cks');

  /** How often kubeadm was begun on each machine, by what the runs there left. */
  kubeadmRuns(): Record<string, string[]> {
    return Object.fromEntries(
      this.machines().map((machine) => {
        const state = this.runsFolder(machine);
        const runs = existsSync(state) ? readdirSync(state).filter((file) => /^(init|join|upgrade)-.*\.subcommand$/.test(file)) : []; // prettier-ignore
        return [machine.name, runs];
      }),
    );
  }

  /** What the runs whose keys begin so left on a machine when they ended. */
  results(machine: { instance_name: string }, key: string): NodeAnswer[] {
    const state = this.runsFolder(machine);
    const files = readdirSync(state).filter((file) => file.startsWith(key) && file.endsWith('.json'));
    return files.map((file) => JSON.parse(readFileSync(join(state, file), 'utf8')) as NodeAnswer);
  }

  /** How often kubeadm really began with each verb on a machine, by its own words in what the runs there logged. */
  kubeadmBegins(machine: { instance_name: string }): Record<'init' | 'join' | 'upgrade' | 'reset', number> {
    const state = this.runsFolder(machine);
    const logs = readdirSync(state).filter((file) => file.endsWith('.log')).map((file) => readFileSync(join(state, file), 'utf8')).join('\n');
    const count = (words: RegExp) => logs.split('\n').filter((line) => words.test(line)).length;
    return {
      init: count(/^\[init\] Using Kubernetes version/),
      join: count(/^\[preflight\] Reading configuration from the "kubeadm-config" ConfigMap/),
      upgrade: count(/^\[upgrade\] Reading configuration from the "kubeadm-config" ConfigMap/),
      reset: count(/^\[reset\] Stopping the kubelet service/),
    };
  } // prettier-ignore

  async delete(): Promise<void> {
    await this.change('deleteKubernetesCluster', { id: this.id });
  }

  /** All is as before the create: domains, volumes, media, namespaces, rules and rows. */
  expectNothingLeft(): void {
    assert.deepEqual(leftOf(this.world), this.before, 'what is left after the delete');
  }
}

interface Left {
  domains: string[];
  files: string[];
  namespaces: string[];
  bridges: string[];
  gateway: string[];
  rows: Record<string, number>;
}
/** All that clusters leave behind while they are there, apart from the cached template and media. */
function leftOf(world: LabWorld): Left {
  const inside = (program: string, ...args: string[]) => world.libvirt.inside(program, ...args).split('\n').filter(Boolean);
  const tables = ['vm_instance', 'networks', 'user_ip_address', 'guest_address', 'firewall_rules', 'host_reservation', 'kubernetes_cluster_vm_map', 'secret'];
  const alive: Record<string, string> = {
    vm_instance: 'removed IS NULL', networks: "removed IS NULL AND data_center_id = (SELECT uuid FROM data_center WHERE name = 'lab')", user_ip_address: 'network_id IS NOT NULL',
    secret: "owner LIKE 'cluster/%' OR owner LIKE 'vm/%'",
  };
  return {
    domains: world.domains().all,
    files: readdirSync(world.libvirt.pool).filter((name) => !/^\.?(template|iso)-/.test(name)).sort(),
    namespaces: inside('ls', '/run/netns'),
    bridges: inside('ip', '-o', 'link', 'show', 'type', 'bridge').map((link) => link.split(':')[1]!.trim()).sort(),
    gateway: inside('find', join(world.folder, 'gateway/root'), '-type', 'f').sort(),
    rows: Object.fromEntries(tables.map((table) => [table, world.rows<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE ${alive[table] ?? '1 = 1'}`)[0]!.n])),
  };
} // prettier-ignore

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: lab.cks/busybox:lab
          command: [/bin/busybox, sh, -c, 'cd /tmp && echo "served by $HOSTNAME" >index.html && exec /bin/busybox httpd -f -p 8080']
          readinessProbe: {httpGet: {path: /index.html, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: asker}
spec:
  terminationGracePeriodSeconds: 1
  tolerations: [{operator: Exists}]
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]}]}}}
  containers: [{name: asker, image: lab.cks/busybox:lab, command: [/bin/busybox, sleep, '36000']}]
`;
