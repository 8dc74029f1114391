import { AppsV1Api, KubeConfig, VersionApi } from '@kubernetes/client-node';
import { issueCertificates } from '../../simulator/kubernetes/certificates.js';
import { ZoneFixture, installInput, someFile } from '../activities/zone-fixture.js';
import { SimulatedCluster, addToken, base64, initInput, readiness, until } from './cluster-fixture.js';

const YEAR = 365 * 24 * 3600;

describe('a simulated cluster through its life', () => {
  let zone: ZoneFixture;
  let cluster: SimulatedCluster;
  const make = async (controls: number, workers: number) => {
    cluster = await SimulatedCluster.make(zone, controls, workers);
  };
  const configOf = async (): Promise<KubeConfig> => {
    const { kubeconfig } = await cluster.done(0, 'kubeconfig');
    const config = new KubeConfig();
    config.loadFromString(Buffer.from(String(kubeconfig), 'base64').toString());
    return config;
  };
  const serverVersion = async () => (await (await configOf()).makeApiClient(VersionApi).getCode()).gitVersion;
  const kubelets = async () => {
    const { items } = await (await cluster.core()).listNode();
    return Object.fromEntries(
      items.map(({ metadata, status }) => [metadata?.name ?? '', status?.nodeInfo?.kubeletVersion]),
    );
  };
  const medium = async (version: string) => {
    const url = `http://127.0.0.1/v${version}.iso`;
    await zone.host().ensureImage({ kind: 'ISO', id: version, url, checksum: null, format: 'ISO' }, someFile);
    for (const { spec } of cluster.machines) await zone.host().ensureMediumAttached(spec.name, `iso-${version}`);
  };

  beforeEach(async () => {
    zone = await ZoneFixture.start();
  });
  afterEach(async () => {
    cluster.close();
    await zone.stop();
  });

  describe('upgrade', () => {
    it('takes the first control node, the others, then the workers, and refuses any other order', async () => {
      await make(3, 1);
      const to = (mode: string, version = '1.35.0') => ({ version, mode });
      expect((await cluster.run(0, 'upgrade', to('first'))).error).toContain('prestage');
      await zone.host().ensureMediumDetached(cluster.spec(0).name, 'iso-v1');
      expect((await cluster.run(0, 'prestage', { version: '1.35.0' })).error).toContain('no medium of version 1.35.0');
      await medium('1.35.0');
      expect((await cluster.run(0, 'prestage', { version: '1.36.0' })).error).toContain('no medium of version 1.36.0');
      for (const i of [0, 1, 2, 3]) await cluster.done(i, 'prestage', { version: '1.35.0' });
      expect((await kubelets())['demo-control-1']).toBe('v1.34.2');

      expect((await cluster.run(1, 'upgrade', to('control'))).error).toContain('first control node');
      expect((await cluster.run(3, 'upgrade', to('worker'))).error).toContain('first control node');
      expect(await cluster.done(0, 'upgrade', { ...to('first'), network: 'yes' })).toEqual({
        version: '1.35.0',
        expires: expect.any(String),
      });
      expect(await serverVersion()).toBe('v1.35.0');
      expect((await cluster.run(3, 'upgrade', to('worker'))).error).toContain('may not be newer');
      await cluster.done(1, 'upgrade', to('control'));
      await cluster.done(2, 'upgrade', to('control'));
      await cluster.done(3, 'upgrade', to('worker'));
      expect(new Set(Object.values(await kubelets()))).toEqual(new Set(['v1.35.0']));
      const before = (await zone.effects('node.upgrade')).length;
      expect(await cluster.done(3, 'upgrade', to('worker'))).toMatchObject({ version: '1.35.0' });
      expect(await zone.effects('node.upgrade')).toHaveLength(before);
      const core = await cluster.core();
      await until(async () => Object.values(await readiness(core)), ['True', 'True', 'True', 'True']);
    });

    it('refuses to skip a minor version, and to go back', async () => {
      await make(1, 0);
      for (const version of ['1.36.1', '1.34.1']) {
        await medium(version);
        await cluster.done(0, 'prestage', { version });
      }
      const upgrade = async (version: string) => (await cluster.run(0, 'upgrade', { version, mode: 'first' })).error;
      expect(await upgrade('1.36.1')).toContain('more than one minor');
      expect(await upgrade('1.34.1')).toContain('downgrade');
      expect(await serverVersion()).toBe('v1.34.2');
    });
  });

  describe('etcd', () => {
    it('keeps its quorum while most members run, and the API server answers only then', async () => {
      await make(3, 0);
      const health = async () => cluster.done(0, 'etcd', { action: 'health' });
      const core = await cluster.core();
      await zone.host().ensureStopped(cluster.spec(1).name, 30);
      expect(await health()).toEqual({
        members: [
          { name: 'demo-control-1', healthy: true },
          { name: 'demo-control-2', healthy: false },
          { name: 'demo-control-3', healthy: true },
        ],
        quorum: true,
      });
      await until(async () => (await readiness(core))['demo-control-2'], 'Unknown');
      expect((await cluster.run(0, 'etcd', { action: 'remove', member: 'demo-control-3' })).error).toContain(
        'not enough',
      );
      await zone.host().ensureStopped(cluster.spec(2).name, 30);
      expect((await health())['quorum']).toBe(false);
      await expect(core.listNode()).rejects.toThrow();
      expect((await cluster.run(0, 'etcd', { action: 'remove', member: 'demo-control-2' })).error).toContain('quorum');
      await zone.host().ensureRunning(cluster.spec(2).name);
      await until(async () => (await readiness(core))['demo-control-3'], 'True');
      await cluster.done(0, 'etcd', { action: 'remove', member: 'demo-control-2' });
      await cluster.done(0, 'etcd', { action: 'remove', member: 'demo-control-2' });
      expect(await zone.effects('node.etcd')).toHaveLength(1);
      expect((await health())['members']).toHaveLength(2);
    });

    it('takes nobody in while a member is silent', async () => {
      await make(4, 0);
      await cluster.done(3, 'reset');
      await zone.host().ensureStopped(cluster.spec(1).name, 30);
      const join = async () => {
        const certificate_key = 'a'.repeat(64);
        await cluster.done(0, 'share', { certificate_key });
        return cluster.run(3, 'join', { ...(await cluster.joinInput(3, 'control')), certificate_key });
      };
      expect((await join()).error).toContain('unhealthy cluster');
      await cluster.done(0, 'etcd', { action: 'remove', member: 'demo-control-2' });
      expect(await join()).toMatchObject({ state: 'done' });
    });

    it('loses a member with the reset of its control node, and is saved into a file', async () => {
      await make(2, 1);
      const saved = await cluster.done(0, 'etcd', { action: 'save' });
      expect(saved['file']).toMatch(/^\/var\/lib\/cks\/etcd\/run-\d+\.db$/);
      expect(saved['bytes']).toBeGreaterThan(0);
      await cluster.done(1, 'reset');
      expect(await cluster.done(0, 'etcd', { action: 'health' })).toEqual({
        members: [{ name: 'demo-control-1', healthy: true }],
        quorum: true,
      });
      expect((await cluster.run(2, 'etcd', { action: 'health' })).error).toContain('no etcd');
    });

    it('runs on machines of its own, with certificates of one authority', async () => {
      cluster = await SimulatedCluster.boot(zone, 4, 1);
      const addresses = ['10.1.1.11', '10.1.1.12', '10.1.1.13'];
      const { ca, server, admin } = await issueCertificates(addresses);
      const pems = { ca: base64(ca.cert), cert: base64(server.cert), key: base64(server.key) };
      const members = addresses.map((address, i) => `etcd-${i + 1}=https://${address}:2380`).join(',');
      const member = (i: number) => {
        return { action: 'install', name: `etcd-${i}`, address: addresses[i - 1] ?? '', members, ...pems };
      };
      await cluster.done(0, 'install', installInput());
      expect((await cluster.run(1, 'etcd', member(1))).error).toContain('No such file');
      for (const i of [1, 2, 3]) {
        await cluster.done(i, 'install', { ...installInput(), role: 'etcd' });
        expect((await cluster.run(i, 'etcd', { ...member(i), address: '10.1.1.99' })).error).toContain('not among');
        if (i < 3) await cluster.done(i, 'etcd', member(i));
      }
      const other = await issueCertificates(addresses);
      const wrong = { ...member(3), ca: base64(other.ca.cert) };
      expect((await cluster.run(3, 'etcd', wrong)).error).toContain('unknown authority');

      const init = {
        ...initInput(cluster.network),
        etcd_endpoints: addresses.map((address) => `https://${address}:2379`).join(','),
        etcd_ca: base64(ca.cert),
        etcd_cert: base64(admin.cert),
        etcd_key: base64(admin.key),
      };
      expect((await cluster.run(0, 'init', init)).error).toContain('https://10.1.1.13:2379: no etcd member');
      await cluster.done(3, 'etcd', member(3));
      await cluster.done(3, 'etcd', member(3));
      expect((await cluster.run(0, 'init', { ...init, etcd_key: base64(other.admin.key) })).error).toContain(
        'private key',
      );
      await cluster.done(0, 'init', init);
      const core = await cluster.core();
      await until(() => readiness(core), { 'demo-control-1': 'True' });
      expect((await cluster.done(1, 'etcd', { action: 'health' }))['members']).toHaveLength(3);
      for (const i of [2, 3]) await zone.host().ensureStopped(cluster.spec(i).name, 30);
      await expect(core.listNode()).rejects.toThrow();
      await zone.host().ensureRunning(cluster.spec(2).name);
      await until(() => readiness(core), { 'demo-control-1': 'True' });
    });
  });

  it('certificates end after a year: the API server is refused until they are renewed, an old kubeconfig for ever', async () => {
    await make(1, 1);
    const old = await cluster.core();
    const { expires } = await cluster.done(0, 'renew', { within_days: '0' });
    expect(Date.parse(String(expires)) / 1000).toBeGreaterThan(Date.now() / 1000 + YEAR - 3600);
    expect(await cluster.done(0, 'renew', { within_days: '30' })).toEqual({ expires, renewed: 'no' });
    await zone.control('clock', { offsetSeconds: YEAR - 10 * 24 * 3600 });
    await old.listNode();
    await zone.control('clock', { offsetSeconds: YEAR + 3600 });
    await zone.restart();
    await cluster.reopen(0);
    await expect((await cluster.core()).listNode()).rejects.toThrow(/expired/);
    const late = await cluster.run(0, 'component', { name: 'csi', action: 'apply' });
    expect(late.error).toContain('certificate has expired');

    const renewed = await cluster.done(0, 'renew', { within_days: '30' });
    expect(renewed['renewed']).toBe('yes');
    expect(Date.parse(String(renewed['expires'])) / 1000).toBeGreaterThan(Date.now() / 1000 + 2 * YEAR - 3600);
    await expect(old.listNode()).rejects.toMatchObject({ code: 401 });
    const core = await cluster.core();
    await until(() => readiness(core), { 'demo-control-1': 'True', 'demo-worker-1': 'True' });
  });

  it('applies and removes components that kubectl shows', async () => {
    await make(1, 1);
    const deployments = async () => {
      const apps = (await configOf()).makeApiClient(AppsV1Api);
      const { items } = await apps.listNamespacedDeployment({ namespace: 'kube-system' });
      return Object.fromEntries(items.map(({ metadata, status }) => [metadata?.name ?? '', status?.readyReplicas]));
    };
    const apply = (name: string, more = {}) => cluster.done(0, 'component', { name, action: 'apply', ...more });
    expect(await apply('dashboard')).toEqual({ state: 'applied' });
    await apply('provider');
    await apply('csi');
    expect((await cluster.run(0, 'component', { name: 'autoscaler', action: 'apply' })).error).toContain('cluster_id');
    await apply('autoscaler', { cluster_id: 'c-1', min: '1', max: '4' });
    expect(await deployments()).toEqual({
      coredns: 2,
      'calico-kube-controllers': 1,
      headlamp: 1,
      'cloud-controller-manager': 1,
      'cloudstack-csi-controller': 1,
      'cluster-autoscaler': 1,
    });
    expect(await cluster.done(0, 'component', { name: 'autoscaler', action: 'remove' })).toEqual({ state: 'removed' });
    expect(Object.keys(await deployments())).not.toContain('cluster-autoscaler');
    await expect(cluster.run(1, 'component', { name: 'csi', action: 'apply', colour: 'red' })).rejects.toThrow(
      'colour',
    );
    expect((await cluster.run(1, 'component', { name: 'csi', action: 'apply' })).error).toContain('not a control node');
  });

  it('has no Ready node before its pod network is there', async () => {
    cluster = await SimulatedCluster.boot(zone, 1);
    await cluster.done(0, 'install', installInput());
    await cluster.done(0, 'init', { ...initInput(cluster.network), network: 'no' });
    const core = await cluster.core();
    await addToken(core);
    await zone.restart();
    await cluster.reopen(0);
    expect(await readiness(core)).toEqual({ 'demo-control-1': 'False' });
    expect((await cluster.run(0, 'cni', { script: '' })).error).toContain('empty');
    await cluster.done(0, 'cni', { script: base64('kubectl apply -f -') });
    await until(() => readiness(core), { 'demo-control-1': 'True' });
  });

  it('takes the login of a private registry once', async () => {
    cluster = await SimulatedCluster.boot(zone, 1);
    const login = { url: 'https://registry.example', username: 'u', password: 'p' };
    await cluster.done(0, 'registry', login);
    await cluster.done(0, 'registry', login);
    expect(await zone.effects('node.registry')).toHaveLength(1);
    await cluster.done(0, 'registry', { ...login, password: 'q' });
    expect(await zone.effects('node.registry')).toHaveLength(2);
  });

  it('lets a machine that a user made join, and shows its size', async () => {
    cluster = await SimulatedCluster.make(zone, 1, 1, { clusterId: '' });
    const core = await cluster.core();
    await zone.host().ensureSize(cluster.spec(1).name, { cpus: 4, ramMb: 4096 });
    await zone.host().ensureStopped(cluster.spec(1).name, 30);
    await zone.host().ensureRunning(cluster.spec(1).name);
    await until(async () => (await core.readNode({ name: 'demo-worker-1' })).status?.capacity?.['cpu'], '4');
  });
});
