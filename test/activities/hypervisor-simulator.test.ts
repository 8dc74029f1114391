import type { ImageSpec } from '../../activities/hypervisor/driver.js';
import { mediumFiles } from '../../activities/images/medium.js';
import { ImageStore } from '../../activities/images/store.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { describeHypervisor } from './hypervisor-contract.js';
import { type Effect, IMAGES, ZoneFixture, aMachine, hostKey, someFile } from './zone-fixture.js';

describeHypervisor('the simulator', async () => {
  const zone = await ZoneFixture.start();
  return {
    hypervisor: zone.host(),
    template: IMAGES[0]!,
    medium: IMAGES[1]!,
    file: someFile,
    changes: async () => (await zone.effects()).length,
    stop: () => zone.stop(),
  };
});

describe('an image for a simulated host', () => {
  let zone: ZoneFixture;
  let images: ImageStore;
  beforeEach(async () => {
    zone = await ZoneFixture.start();
    images = new ImageStore({
      home: zone.home,
      settings: () => Promise.resolve(DEFAULT_SETTINGS),
      own: () => Promise.resolve([]),
      versionOf: () => Promise.resolve('1.34.2'),
      onProgress: () => Promise.resolve(),
    });
  });
  afterEach(() => zone.stop());
  const iso = (more: Partial<ImageSpec> = {}): ImageSpec => {
    return { kind: 'ISO', id: 'v1', url: `${zone.url}/isos/v1.34.2.iso`, checksum: null, format: 'ISO', ...more };
  };
  const ensure = (image: ImageSpec, host = 'host-1') =>
    zone.host(host).ensureImage(image, (rules) => images.fetch(image, rules));
  const cached = async () => (await zone.get<{ cache: { isos: object[] } }>('/control/world')).cache.isos;

  it('is fetched over HTTP, checked and kept as what it was; a second time nothing is asked for', async () => {
    await ensure(iso());
    const { bytes, sha256 } = await images.fetch(iso(), { loopback: true });
    expect(await cached()).toEqual([{ host: 'host-1', id: 'iso-v1', bytes, sha256 }]);
    await zone.host().ensureImage(iso(), () => Promise.reject(new Error('asked for again')));
    await ensure(iso({ checksum: `{SHA-256}${sha256}` }), 'host-2');
    expect(await cached()).toHaveLength(2);
    expect(await zone.effects('cache')).toHaveLength(2);
  });

  it.each([
    [
      'has another checksum',
      { checksum: `{SHA-256}${'0'.repeat(64)}` },
      /expected \{SHA-256\}0{64}, found \{SHA-256\}/,
    ],
    [
      'is a medium of another version',
      { url: '/isos/v1.33.4.iso' },
      /medium of Kubernetes 1\.33\.4: expected 1\.34\.2/,
    ],
    ['is no medium', { url: '/templates/debian-12.qcow2' }, /no Kubernetes medium/],
    ['is not there', { url: '/isos/v1.iso' }, /404/],
  ])('that %s is refused, and no host has it', async (_what, more: Partial<ImageSpec>, message) => {
    const image = iso(more);
    const url = new URL(image.url, zone.url).href;
    await expect(ensure({ ...image, url })).rejects.toMatchObject({
      type: 'DownloadRefused',
      message: expect.stringMatching(message) as string,
    });
    expect(await cached()).toEqual([]);
  });

  it('is a medium of the layout that nodes install from', async () => {
    const { path } = await images.fetch(iso(), { loopback: true });
    expect(await mediumFiles(path)).toEqual(
      expect.arrayContaining(['k8s/kubeadm', 'cni/cni-plugins-amd64.tgz', 'docker/kube-apiserver:v1.34.2.tar']),
    );
  });
});

describe('a simulated host', () => {
  let zone: ZoneFixture;
  beforeEach(async () => {
    zone = await ZoneFixture.start();
  });
  afterEach(() => zone.stop());

  it('says that it is simulated', async () => {
    expect(await zone.host('host-7').readFacts()).toEqual({
      hypervisor: 'Simulator',
      arch: 'x86_64',
      cpus: 4096,
      ramMb: 4_194_304,
    });
    expect(await (await fetch(`${zone.url}/`)).text()).toContain('simulated');
  });

  it('is the same world after a restart, and shows nothing secret', async () => {
    const one = aMachine();
    await zone.boot(one);
    const before = await (await fetch(`${zone.url}/control/world`)).text();
    const effects = await zone.effects();
    await zone.restart();
    expect(await (await fetch(`${zone.url}/control/world`)).text()).toBe(before);
    expect(await zone.effects()).toEqual(effects);
    for (const text of [before, JSON.stringify(effects)]) {
      expect(text).not.toContain('PRIVATE KEY');
      expect(text).not.toContain(hostKey.private.split('\n')[1]);
    }
    expect(JSON.parse(before)).toMatchObject({
      domains: [{ host: 'host-1', hostName: 'demo-control-1', state: 'running' }],
      media: [{ name: one.seed.name, domains: [one.spec.name] }],
      cache: { isos: [{ host: 'host-1', id: 'iso-v1' }], templates: [{ host: 'host-1', id: 'template-1' }] },
    });
  });

  it('is an empty world again when everything was taken away, but for its cache', async () => {
    const { cache: _empty, ...before } = await zone.get<Record<string, unknown>>('/control/world');
    const one = aMachine();
    await zone.boot(one);
    await zone.host().ensureAbsent(one.spec.name);
    await zone.host().ensureSeedAbsent(one.seed.name);
    await zone.host().ensureVolumeAbsent(one.volume.name);
    await zone.host().ensureNetworkAbsent(one.spec);
    const { cache: _kept, ...after } = await zone.get<Record<string, unknown>>('/control/world');
    expect(after).toEqual(before);
  });

  it('refuses a machine that it has no memory for', async () => {
    const one = aMachine({ ramMb: 5_000_000 });
    await expect(zone.boot(one)).rejects.toMatchObject({
      type: 'HypervisorRefused',
      message: expect.stringContaining('4194304 MB') as string,
    });
  });

  it('is named when nobody answers', async () => {
    const host = zone.host('host-2');
    await zone.stop();
    await expect(host.readFacts()).rejects.toMatchObject({
      type: 'HostUnreachable',
      message: expect.stringContaining('host-2') as string,
    });
    zone = await ZoneFixture.start();
  });

  it('charges the profile for what changes, and nothing else', async () => {
    await zone.stop();
    zone = await ZoneFixture.start({ profile: 'demo', scale: 10 });
    await zone.boot(aMachine());
    const effects = await zone.effects();
    const took = (kind: string) => effects.filter((one) => one.kind === kind).map(seconds);
    expect(effects.map(({ kind }) => kind)).toEqual([
      'cache.template',
      'cache.iso',
      'network.create',
      'volume.create',
      'seed.create',
      'domain.define',
      'domain.start',
    ]);
    expect(took('volume.create')[0]).toBeCloseTo(0.05, 1);
    expect(took('domain.start')[0]).toBeGreaterThanOrEqual(0.14);
  });

  describe('with faults', () => {
    it.each([
      ['fail', 'HypervisorFailed', false, 0],
      ['failForGood', 'HypervisorRefused', true, 0],
      ['drop', 'HostUnreachable', false, 0],
      ['loseReply', 'HostUnreachable', false, 1],
    ])('%s gives %s', async (kind, type, nonRetryable, effects) => {
      await zone.fault({ on: 'hypervisor', match: 'volume.create', kind, times: 1 });
      const { volume } = aMachine();
      await zone.host().ensureImage(template, someFile);
      await expect(zone.host().ensureVolume(volume)).rejects.toMatchObject({ type, nonRetryable });
      expect(await zone.effects('volume')).toHaveLength(effects);
      await zone.host().ensureVolume(volume);
      expect(await zone.effects('volume')).toHaveLength(1);
      expect(await zone.get('/control/faults')).toEqual([]);
    });

    it('hang lasts until the caller gives up, and makes no effect', async () => {
      await zone.fault({ on: 'hypervisor', match: 'volume', kind: 'hang', times: 1 });
      const caller = new AbortController();
      const { volume } = aMachine();
      const call = zone.host('host-1', () => caller.signal).ensureVolume(volume);
      setTimeout(() => caller.abort(new Error('gave up')), 50);
      await expect(call).rejects.toThrow('gave up');
      expect(await zone.effects()).toEqual([]);
    });

    it('matches the node that a thing is for', async () => {
      await zone.fault({ on: 'hypervisor', match: 'worker-3', kind: 'fail' });
      await zone.boot(aMachine());
      const worker = aMachine({ hostName: 'demo-worker-3', ipAddress: '10.1.1.13' });
      await expect(zone.boot(worker)).rejects.toMatchObject({ type: 'HypervisorFailed' });
      await zone.boot(worker);
    });

    it('outlives a restart, counts down, and is gone when told', async () => {
      await zone.fault({ on: 'hypervisor', match: 'host.list', kind: 'fail', times: 3 });
      await expect(zone.host().listDomains()).rejects.toThrow('simulated fault');
      await zone.restart();
      expect(await zone.get('/control/faults')).toMatchObject([
        { on: 'hypervisor', match: 'host.list', kind: 'fail', times: 2 },
      ]);
      await fetch(`${zone.url}/control/faults`, { method: 'DELETE' });
      expect(await zone.host().listDomains()).toEqual([]);
    });

    it.each([
      { on: 'nobody', match: 'x', kind: 'fail' },
      { on: 'node', kind: 'fail' },
      { on: 'node', match: 'x', kind: 'fail', times: 0 },
      [],
    ])('says what is wrong with %j', async (body) => {
      const response = await zone.fault(body);
      expect(response.status).toBe(400);
      expect(((await response.json()) as { error: string }).error).not.toBe('');
    });
  });
});

const [template] = IMAGES as [ImageSpec];
const seconds = ({ begin, end }: Effect) => (Date.parse(end) - Date.parse(begin)) / 1000;
