import { execFile } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppsV1Api, CoreV1Api, KubeConfig, PolicyV1Api, VersionApi, Watch } from '@kubernetes/client-node';
import { SimulatedKubernetes } from '../../simulator/kubernetes/cluster-api.js';

const run = promisify(execFile);
let folder: string;
let api: SimulatedKubernetes;
let server: Server;
let endpoint: string;

/** Serves whatever `api` is at the time of the connection. */
async function serve(make: (endpoint: string) => Promise<SimulatedKubernetes>): Promise<SimulatedKubernetes> {
  server = createServer((socket: Socket) => api.handle(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  api = await make(endpoint);
  await writeFile(join(folder, 'admin.conf'), api.kubeconfig());
  return api;
}

interface Outcome {
  code: number;
  out: string;
  err: string;
}

function kubectl(line: string | string[], input?: string): Promise<Outcome> {
  const words = typeof line === 'string' ? line.split(' ') : line;
  const args = ['--kubeconfig', join(folder, 'admin.conf'), '--cache-dir', join(folder, 'cache'), ...words];
  return new Promise((resolve, reject) => {
    const child = execFile('kubectl', args, { timeout: 30_000 }, (error, out, err) => {
      if (error?.code === 'ENOENT') reject(new Error('these tests need kubectl on the PATH, and there is none'));
      else resolve({ code: error ? Number(error.code ?? 1) : 0, out, err });
    });
    child.stdin?.end(input ?? '');
  });
}

async function ok(line: string | string[], input?: string): Promise<string> {
  const { code, out, err } = await kubectl(line, input);
  if (code !== 0) throw new Error(`kubectl ${String(line)} ended with ${code}: ${out}${err}`);
  return out;
}

const client = (): KubeConfig => {
  const config = new KubeConfig();
  config.loadFromString(api.kubeconfig());
  return config;
};

function addNodes(): void {
  const node = (name: string, role: 'control' | 'worker', last: number) => {
    const machineId = `00000000-0000-4000-8000-00000000000${last}`;
    api.upsertNode({ name, role, address: `10.1.1.${last}`, version: '1.34.2', machineId });
    api.setNodeReady(name, true);
  };
  node('demo-control-1', 'control', 1);
  node('demo-node-1', 'worker', 2);
  node('demo-node-2', 'worker', 3);
}

const deployment = (name: string, replicas: number): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: 'example.org/web:1' }] } },
    },
  });

const budget = (name: string, minAvailable: number): string =>
  JSON.stringify({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: 'default' },
    spec: { minAvailable, selector: { matchLabels: { app: name } } },
  });

beforeAll(async () => {
  await run('kubectl', ['version', '--client']).catch(() => {
    throw new Error('these tests need kubectl on the PATH, and there is none');
  });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulated-kubernetes-'));
  await serve((at) =>
    SimulatedKubernetes.create({ clusterName: 'demo', version: '1.34.2', endpoint: at, sans: ['demo.example'] }),
  );
});

afterEach(async () => {
  api.close();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('certificates', () => {
  test('the CA hash is the one kubeadm computes, and the server certificate names what clients call', () => {
    const spki = new X509Certificate(api.caPem).publicKey.export({ type: 'spki', format: 'der' });
    expect(api.caHash).toBe(`sha256:${createHash('sha256').update(spki).digest('hex')}`);
    const names = new X509Certificate(api.snapshot().certificates.server.cert).subjectAltName ?? '';
    for (const name of ['demo.example', '127.0.0.1', '10.96.0.1', 'kubernetes.default.svc.cluster.local'])
      expect(names).toContain(name);
  });

  const get = (path: string, options: object = {}): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const [host, port] = endpoint.split(':');
      const request = httpsRequest({ host, port, path, ca: api.caPem, ...options }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      request.on('error', reject);
      request.end();
    });

  test('without a certificate only the health paths and the version are answered', async () => {
    expect(await get('/readyz')).toEqual({ status: 200, body: 'ok' });
    expect(JSON.parse((await get('/version')).body)).toMatchObject({ gitVersion: 'v1.34.2', minor: '34' });
    const nodes = await get('/api/v1/nodes');
    expect(nodes.status).toBe(403);
    expect(JSON.parse(nodes.body)).toMatchObject({ kind: 'Status', reason: 'Forbidden', code: 403 });
    expect((await get('/api/v1/nodes', { headers: { authorization: 'Bearer x' } })).status).toBe(401);
  });

  test('a certificate of another cluster is refused', async () => {
    const other = await SimulatedKubernetes.create({ clusterName: 'other', version: '1.34.2', endpoint, sans: [] });
    const answer = await get('/api/v1/nodes', other.snapshot().certificates.admin);
    expect(answer.status).toBe(401);
    const mixed = other
      .kubeconfig()
      .replace(/certificate-authority-data: .*/, /certificate-authority-data: .*/.exec(api.kubeconfig())![0]);
    await writeFile(join(folder, 'admin.conf'), mixed);
    expect((await kubectl('get nodes')).err).toMatch(/Unauthorized|logged in/);
    await writeFile(join(folder, 'admin.conf'), other.kubeconfig());
    expect((await kubectl('get nodes')).err).toMatch(/certificate signed by unknown authority/);
  });
});

describe('kubectl', () => {
  test('shows nodes as a real cluster does, and says plainly that they are simulated', async () => {
    api.upsertNode({
      name: 'demo-control-1',
      role: 'control',
      address: '10.1.1.1',
      version: '1.34.2',
      machineId: 'machine-1',
    });
    expect(await ok('get nodes')).toMatch(/demo-control-1 +NotReady +control-plane +\d+s +v1\.34\.2/);
    addNodes();
    const wide = await ok('get nodes -o wide');
    expect(wide).toMatch(
      /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME/,
    );
    expect(wide).toMatch(
      /demo-control-1 +Ready +control-plane .* 10\.1\.1\.1 +<none> +Simulated node \(CKS simulator\) .*simulated:\/\/1\.0/,
    );
    expect(wide).toMatch(/demo-node-1 +Ready +<none>/);
    const described = await ok('describe node demo-node-1');
    expect(described).toMatch(/Unschedulable: +false/);
    expect(described).toMatch(/Lease:\n +HolderIdentity: +demo-node-1/);
    expect(described).toMatch(/kube-proxy-/);
    expect(described).toMatch(/Normal +NodeReady/);
    expect(JSON.parse(await ok('get nodes -o json'))).toMatchObject({
      kind: 'List',
      items: [{ kind: 'Node' }, {}, {}],
    });
    expect(await ok('get node demo-node-1 -o yaml')).toMatch(/systemUUID: 00000000-0000-4000-8000-000000000002/);
  });

  test('shows what kubeadm leaves in a cluster', async () => {
    expect(await ok('get pods -n kube-system')).toMatch(/coredns-\S+ +0\/1 +Pending/);
    addNodes();
    const pods = await ok('get pods -A -o wide');
    for (const name of ['etcd-demo-control-1', 'kube-apiserver-demo-control-1', 'kube-scheduler-demo-control-1'])
      expect(pods).toMatch(new RegExp(`kube-system +${name} +1/1 +Running`));
    expect(pods.match(/kube-proxy-/g)).toHaveLength(3);
    expect(pods.match(/coredns-\S+ +1\/1 +Running/g)).toHaveLength(2);
    expect(await ok('get namespaces')).toMatch(/kube-node-lease +Active/);
    expect(await ok('get leases -A')).toMatch(/kube-node-lease +demo-node-1 +demo-node-1/);
    expect(await ok('get cm -n kube-system kubeadm-config -o yaml')).toMatch(/kubernetesVersion: v1\.34\.2/);
    expect(await ok('version')).toMatch(/Server Version: v1\.34\.2/);
    expect(await ok('cluster-info')).toMatch(/control plane.* is running at/);
    expect(await ok('api-resources')).toMatch(/poddisruptionbudgets +pdb +policy\/v1 +true +PodDisruptionBudget/);
    for (const kind of ['secrets', 'events', 'pdb', 'services', 'daemonsets', 'deployments', 'all'])
      await ok(`get ${kind} -A`);
    expect(
      await ok('get pods -A -l k8s-app=kube-proxy,k8s-app!=x --field-selector spec.nodeName=demo-node-1 -o name'),
    ).toMatch(/^pod\/kube-proxy-\w+\n$/);
    expect(await ok('auth can-i delete nodes')).toBe('yes\n');
  });

  test('creates, applies, labels, scales and deletes', async () => {
    addNodes();
    await ok('create secret generic login --from-literal=user=cloud');
    await ok('create configmap colours --from-literal=red=1');
    expect(await ok('get secret login')).toMatch(/login +Opaque +1 /);
    const map = (data: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data });
    expect(await ok('apply -f -', map({ a: '1', b: '2' }))).toMatch(/created/);
    expect(await ok('apply -f -', map({ a: '3' }))).toMatch(/configured/);
    expect(JSON.parse(await ok('get cm applied -o json'))).toMatchObject({ data: { a: '3' } });
    expect(await ok('get cm applied -o jsonpath={.data.b}')).toBe('');
    expect(await ok('apply --server-side -f -', map({ a: '4' }).replace('applied', 'served'))).toMatch(
      /serverside-applied/,
    );
    await ok('label node demo-node-1 disk=ssd');
    await ok('annotate node demo-node-1 example.org/note=kept');
    await ok('taint node demo-node-1 dedicated=web:NoSchedule');
    expect(await ok('get nodes -l disk=ssd -o name')).toBe('node/demo-node-1\n');
    expect(await ok('get node demo-node-1 -o jsonpath={.spec.taints[*].key}')).toBe('dedicated');
    await ok('taint node demo-node-1 dedicated-');
    await ok('create namespace shop');
    await ok('create deployment made --image=example.org/made:1 -n shop --replicas=2');
    await ok('create pdb made --selector=app=made --min-available=50% -n shop');
    expect(await ok('get deployment,pdb -n shop')).toMatch(
      /deployment.apps\/made +2\/2[^]*budget.policy\/made +50% +N\/A +1 /,
    );
    await ok('apply -f -', deployment('web', 2));
    await ok('rollout status deployment/web');
    await ok('scale deployment web --replicas=3');
    expect(await ok('get deployment web')).toMatch(/web +3\/3 +3 +3/);
    await ok('set image deployment/web web=example.org/web:2');
    expect(await ok('get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}')).toBe(
      Array(3).fill('example.org/web:2').join(' '),
    );
    await ok('delete deployment web');
    expect(await ok('get pods,rs -o name')).toBe('');
    await ok('delete namespace shop');
    expect((await kubectl('get configmap nothing')).err).toMatch(/configmaps "nothing" not found/);
    await ok('delete node demo-node-2');
    expect(api.nodeNames()).toEqual(['demo-control-1', 'demo-node-1']);
    expect(await ok('get pods -A -o wide')).not.toContain('demo-node-2');
  });

  test('serves the kinds that a custom resource definition adds', async () => {
    const spec = { group: 'example.org', scope: 'Namespaced', names: { plural: 'lamps', kind: 'Lamp' } };
    const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }];
    const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
    const body = { ...definition, metadata: { name: 'lamps.example.org' }, spec: { ...spec, versions } };
    await ok('apply --server-side -f -', JSON.stringify(body));
    await ok('wait --for condition=Established crd/lamps.example.org');
    await ok(
      'apply -f -',
      JSON.stringify({ apiVersion: 'example.org/v1', kind: 'Lamp', metadata: { name: 'desk' }, spec: { on: true } }),
    );
    expect(await ok('get lamps')).toMatch(/desk +\d+s/);
  });

  test('watches pods and nodes', async () => {
    addNodes();
    const child = execFile('kubectl', [
      '--kubeconfig',
      join(folder, 'admin.conf'),
      '--cache-dir',
      join(folder, 'cache'),
      'get',
      'nodes',
      '-w',
    ]);
    let seen = '';
    child.stdout?.on('data', (chunk: string) => (seen += chunk));
    const until = async (pattern: RegExp): Promise<void> => {
      for (let turn = 0; turn < 100 && !pattern.test(seen); turn++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(seen).toMatch(pattern);
    };
    await until(/demo-node-2 +Ready/);
    api.setNodeReady('demo-node-2', false);
    await until(/demo-node-2 +NotReady/);
    child.kill();
    expect(seen.match(/NAME/g)).toHaveLength(1);
  });
});

describe('drain', () => {
  test('waits for a disruption budget that blocks, and moves the pods once it allows', async () => {
    addNodes();
    api.terminationMs = 300;
    await ok('apply -f -', deployment('web', 2));
    await ok('apply -f -', budget('web', 2));
    expect(await ok('get pdb')).toMatch(/web +2 +N\/A +0 /);
    expect(await ok('cordon demo-node-1')).toMatch(/cordoned/);
    expect(await ok('get nodes')).toMatch(/demo-node-1 +Ready,SchedulingDisabled/);
    const drain = 'drain demo-node-1 --ignore-daemonsets --delete-emptydir-data';
    const blocked = await kubectl(`${drain} --timeout=3s`);
    expect(blocked.code).not.toBe(0);
    expect(blocked.err).toMatch(/Cannot evict pod as it would violate the pod's disruption budget/);
    await ok(['patch', 'pdb', 'web', '--type=merge', '-p', '{"spec":{"minAvailable":1}}']);
    expect(await ok(drain)).toMatch(/demo-node-1 drained/);
    const pods = await ok('get pods -o wide');
    expect(pods.match(/Running .* demo-node-2/g)).toHaveLength(2);
    expect(await ok('get pods -A --field-selector spec.nodeName=demo-node-1 -o name')).toMatch(
      /^pod\/kube-proxy-\w+\n$/,
    );
    await ok('uncordon demo-node-1');
    expect(await ok('get nodes')).toMatch(/demo-node-1 +Ready +<none>/);
  });

  test('leaves the static pods of a control node alone and says how much a percentage allows', async () => {
    addNodes();
    await ok('apply -f -', deployment('web', 4));
    await ok('create pdb web --selector=app=web --max-unavailable=25%');
    expect(await ok('get pdb web')).toMatch(/web +N\/A +25% +1 /);
    expect(await ok('drain demo-control-1 --ignore-daemonsets --delete-emptydir-data')).toMatch(/drained/);
    expect((await ok('get pods -A --field-selector spec.nodeName=demo-control-1 -o name')).split('\n').sort()).toEqual([
      '',
      expect.stringContaining('pod/etcd-'),
      expect.stringContaining('pod/kube-apiserver-'),
      expect.stringContaining('pod/kube-controller-manager-'),
      expect.stringContaining('pod/kube-proxy-'),
      expect.stringContaining('pod/kube-scheduler-'),
    ]);
    api.setNodeReady('demo-node-1', false);
    expect(await ok('get pdb web')).toMatch(/web +N\/A +25% +0 /);
    api.removeNode('demo-node-1');
    expect(await ok('get pdb web')).toMatch(/web +N\/A +25% +1 /);
  });

  test('the client library sees the same refusal and its cause', async () => {
    addNodes();
    await ok('apply -f -', deployment('web', 1));
    await ok('apply -f -', budget('web', 1));
    const core = client().makeApiClient(CoreV1Api);
    const { items } = await core.listNamespacedPod({ namespace: 'default' });
    const { name = '' } = items[0]!.metadata!;
    const evict = () =>
      core.createNamespacedPodEviction({
        name,
        namespace: 'default',
        body: { metadata: { name, namespace: 'default' } },
      });
    await expect(evict()).rejects.toMatchObject({
      code: 429,
      body: expect.stringContaining('DisruptionBudget') as string,
    });
    await client()
      .makeApiClient(PolicyV1Api)
      .deleteNamespacedPodDisruptionBudget({ name: 'web', namespace: 'default' });
    await evict();
    const after = await core.listNamespacedPod({ namespace: 'default' });
    expect(after.items).toHaveLength(1);
    expect(after.items[0]!.metadata!.name).not.toBe(name);
  });
});

describe('the client library', () => {
  test('reads nodes with dates, patches them, and is told about conflicts', async () => {
    addNodes();
    const core = client().makeApiClient(CoreV1Api);
    const node = await core.readNode({ name: 'demo-node-1' });
    expect(node.metadata!.creationTimestamp).toBeInstanceOf(Date);
    expect(
      Date.now() - node.status!.conditions!.find(({ type }) => type === 'Ready')!.lastHeartbeatTime!.getTime(),
    ).toBeLessThan(5000);
    await core.patchNode({ name: 'demo-node-1', body: [{ op: 'add', path: '/spec/unschedulable', value: true }] });
    await expect(core.replaceNode({ name: 'demo-node-1', body: node })).rejects.toMatchObject({ code: 409 });
    const deployments = await client().makeApiClient(AppsV1Api).listDeploymentForAllNamespaces();
    expect(deployments.items.map(({ metadata }) => metadata!.name)).toEqual(['coredns']);
    expect((await client().makeApiClient(VersionApi).getCode()).gitVersion).toBe('v1.34.2');
  });

  test('watches from a list without missing a change', async () => {
    const core = client().makeApiClient(CoreV1Api);
    const { metadata } = await core.listNode();
    addNodes();
    const seen: string[] = [];
    const watcher = await new Watch(client()).watch(
      '/api/v1/nodes',
      { resourceVersion: metadata!.resourceVersion },
      (type, object: { metadata: { name: string } }) => seen.push(`${type} ${object.metadata.name}`),
      () => {},
    );
    for (let turn = 0; turn < 50 && !seen.includes('ADDED demo-node-2'); turn++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    watcher.abort();
    expect(seen).toContain('ADDED demo-control-1');
    expect(seen).toContain('MODIFIED demo-node-1');
    expect(seen).toContain('ADDED demo-node-2');
  });

  test('a token Secret lets nodes join until it expires', async () => {
    const core = client().makeApiClient(CoreV1Api);
    const put = (id: string, expiration: string) =>
      core.createNamespacedSecret({
        namespace: 'kube-system',
        body: {
          metadata: { name: `bootstrap-token-${id}` },
          type: 'bootstrap.kubernetes.io/token',
          stringData: {
            'token-id': id,
            'token-secret': '0123456789abcdef',
            expiration,
            'usage-bootstrap-authentication': 'true',
          },
        },
      });
    await put('abcdef', new Date(Date.now() + 3600_000).toISOString());
    await put('oldold', new Date(Date.now() - 1000).toISOString());
    expect(api.checkToken('abcdef.0123456789abcdef')).toBe(true);
    expect(api.checkToken('abcdef.0123456789abcdee')).toBe(false);
    expect(api.checkToken('oldold.0123456789abcdef')).toBe(false);
    expect(api.checkToken('nosuch.0123456789abcdef')).toBe(false);
    expect(api.checkToken('')).toBe(false);
  });
});

test('an effect is announced before it happens and may be refused', async () => {
  addNodes();
  const effects: string[] = [];
  let changes = 0;
  api.onChange = () => changes++;
  api.onEffect = async (action, key) => {
    effects.push(`${action} ${key}`);
    if (action === 'create.secrets') throw Object.assign(new Error('etcd is full (simulated)'), { status: 503 });
  };
  await ok('cordon demo-node-1');
  expect((await kubectl('create secret generic login')).err).toMatch(/etcd is full \(simulated\)/);
  expect(await ok('get secrets -o name')).toBe('');
  expect(effects).toEqual(expect.arrayContaining(['patch.nodes demo-node-1', 'create.secrets login']));
  expect(changes).toBeGreaterThan(0);
});

test('a restored cluster has the same CA, nodes and objects', async () => {
  addNodes();
  await ok('create configmap kept --from-literal=a=1');
  await ok('cordon demo-node-1');
  const state = JSON.parse(JSON.stringify(api.snapshot())) as ReturnType<SimulatedKubernetes['snapshot']>;
  const before = api;
  api = await SimulatedKubernetes.restore(state);
  before.close();
  expect(api.caHash).toBe(before.caHash);
  expect(api.kubeconfig()).toBe(before.kubeconfig());
  expect(await ok('get cm kept -o jsonpath={.data.a}')).toBe('1');
  expect(await ok('get nodes')).toMatch(/demo-node-1 +Ready,SchedulingDisabled/);
  expect(Object.keys(api.snapshot().objects).sort()).toEqual(Object.keys(state.objects).sort());
  expect(api.snapshot().objects.pods).toEqual(state.objects.pods);
});

test('an upgrade shows in the node, its static pods and the version', async () => {
  addNodes();
  api.upsertNode({
    name: 'demo-control-1',
    role: 'control',
    address: '10.1.1.1',
    version: '1.35.0',
    machineId: 'machine-1',
  });
  expect(await ok('get nodes')).toMatch(/demo-control-1 +Ready +control-plane +\d+s +v1\.35\.0/);
  expect(await ok('version')).toMatch(/Server Version: v1\.35\.0/);
  expect(await ok('get pods -n kube-system -l component=kube-apiserver -o yaml')).toMatch(/kube-apiserver:v1\.35\.0/);
});

test('a thousand nodes are upgraded one by one without a search through all of them for each', async () => {
  addNodes();
  const names = Array.from({ length: 1000 }, (_, i) => `demo-node-${i + 10}`);
  const put = (name: string, version: string) =>
    api.upsertNode({ name, role: 'worker', address: '10.1.2.3', version, machineId: name });
  for (const name of names) {
    put(name, '1.34.2');
    api.setNodeReady(name, true);
  }
  for (const name of names) {
    api.setNodeReady(name, false);
    put(name, '1.35.0');
    api.setNodeReady(name, true);
  }
  const core = client().makeApiClient(CoreV1Api);
  const { items } = await core.listNode();
  expect(items.filter(({ status }) => status?.nodeInfo?.kubeletVersion === 'v1.35.0')).toHaveLength(1000);
  const settled = async () => {
    const { items: pods } = await core.listPodForAllNamespaces({ labelSelector: 'k8s-app=kube-proxy' });
    return pods.filter(({ status }) => status?.phase === 'Running').length;
  };
  for (let turn = 0; turn < 100 && (await settled()) !== 1003; turn++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await settled()).toBe(1003);
  // A run of all controllers takes some 50 ms here: five for each node would take minutes.
}, 60_000);

test('nonsense on the wire is answered or dropped, and the next request works', async () => {
  const [host = '', port] = endpoint.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve));
  const { cert, key } = api.snapshot().certificates.admin;
  const send = (method: string, path: string, body: string, type = 'application/json'): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
      const request = httpsRequest({ host, port, ca: api.caPem, cert, key, method, path, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject);
      request.end(body);
    });
  const pods = '/api/v1/namespaces/default/pods';
  const json = 'application/json-patch+json';
  expect(await send('POST', pods, '{')).toBe(400);
  expect(await send('POST', pods, '[]')).toBe(400);
  expect(await send('POST', pods, 'null')).toBe(400);
  expect(await send('POST', pods, '{"metadata":{"name":"a"},"spec":{"containers":"x"}}')).toBe(422);
  expect(await send('POST', pods, 'k8s\0\x0a\xff', 'application/vnd.kubernetes.protobuf')).toBe(400);
  expect(await send('POST', '/api/v1/namespaces/nowhere/secrets', '{"metadata":{"name":"a"}}')).toBe(404);
  expect(
    await send('PATCH', '/api/v1/namespaces/default', '[{"op":"add","path":"/__proto__/polluted","value":1}]', json),
  ).toBe(422);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(
    await send('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', '{"metadata":{"name":"a"},"spec":7}'),
  ).not.toBe(500);
  expect(await send('GET', '/api/v1/%zz', '')).toBe(400);
  expect(await send('GET', '/api/v1/pods?labelSelector=((', '')).toBe(400);
  expect(await send('DELETE', '/readyz', '')).toBe(200);
  expect(await ok('get pods -n kube-system')).toMatch(/coredns/);
});
