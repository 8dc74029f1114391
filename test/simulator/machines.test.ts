import type { ImageSpec } from '../../activities/hypervisor/driver.js';
import {
  type Effect,
  IMAGES,
  type Machine,
  Shell,
  ZoneFixture,
  aMachine,
  aNetwork,
  hostKey,
  keyPair,
  someFile,
} from '../activities/zone-fixture.js';

const [, iso] = IMAGES as [ImageSpec, ImageSpec];
const refused = (text: string) => {
  return { type: 'HypervisorRefused', message: expect.stringContaining(text) as string };
};
const seconds = ({ begin, end }: Effect) => (Date.parse(end) - Date.parse(begin)) / 1000;

describe('a machine on a simulated host', () => {
  let zone: ZoneFixture;
  beforeEach(async () => {
    zone = await ZoneFixture.start();
  });
  afterEach(() => zone.stop());
  const booted = async (overrides = {}, host = 'host-1') => {
    const one = aMachine(overrides);
    await zone.boot(one, host);
    return one;
  };
  const prepare = async ({ spec, seed, volume }: Machine) => {
    for (const image of IMAGES) await zone.host().ensureImage(image, someFile);
    await zone.host().ensureVolume(volume);
    await zone.host().ensureSeed(seed);
    await zone.host().ensureDefined(spec);
  };
  const find = async (name: string) => (await zone.host().listDomains()).find((one) => one.name === name);

  it('takes a medium while it runs, once', async () => {
    const { spec } = await booted();
    await zone.host().ensureImage({ ...iso, id: 'v2' }, someFile);
    await expect(zone.host().ensureMediumAttached(spec.name, 'iso-v3')).rejects.toMatchObject(refused('iso-v3'));
    await zone.host().ensureMediumAttached(spec.name, 'iso-v2');
    await zone.host().ensureMediumAttached(spec.name, 'iso-v2');
    expect((await find(spec.name))?.media).toEqual([`${spec.name}-seed`, 'iso-v1', 'iso-v2']);
    expect((await zone.effects('medium')).map(({ key }) => key)).toEqual([`${spec.name}/iso-v2`]);
  });

  it('keeps the images that it uses from being taken away, and no others', async () => {
    const { spec } = await booted();
    await zone.host().ensureImage({ ...iso, id: 'v2' }, someFile);
    expect(await zone.host().listVolumes()).toEqual(
      [`${spec.name}-root`, `${spec.name}-seed`, 'iso-v1', 'iso-v2', 'template-template-1'].sort(),
    );
    await expect(zone.host().ensureImageAbsent('iso-v1')).rejects.toMatchObject(refused(spec.name));
    await expect(zone.host().ensureImageAbsent('template-template-1')).rejects.toMatchObject(refused(spec.volume));
    await zone.host().ensureImageAbsent('iso-v2');
    await zone.host().ensureImageAbsent('iso-v2');
    expect(await zone.effects('cache.delete')).toHaveLength(1);
    expect(await zone.get('/control/world')).toMatchObject({ cache: { isos: [{ host: 'host-1', id: 'iso-v1' }] } });
  });

  it('has no volume before its template is there', async () => {
    await expect(zone.host().ensureVolume(aMachine().volume)).rejects.toMatchObject(refused('template-1'));
  });

  it('keeps the bridge of its network', async () => {
    const { spec } = await booted();
    await zone.host().ensureNetworkAbsent(spec);
    const bridge = { host: 'host-1', networkId: spec.networkId, networkNumber: spec.networkNumber };
    expect(await zone.get('/control/world')).toMatchObject({ bridges: [bridge] });
    await zone.host().ensureAbsent(spec.name);
    await zone.host().ensureNetworkAbsent(spec);
    expect(await zone.get('/control/world')).toMatchObject({ bridges: [] });
  });

  it('takes another size up to its maximum while it runs, and any when it is off', async () => {
    const { spec } = await booted();
    const resize = (cpus: number, ramMb: number) => zone.host().ensureSize(spec.name, { cpus, ramMb });
    await resize(4, 4096);
    await resize(4, 4096);
    expect(await zone.effects('domain.resize')).toHaveLength(1);
    expect(await find(spec.name)).toMatchObject({ state: 'running', cpus: 4, ramMb: 4096 });
    await expect(resize(9, 4096)).rejects.toMatchObject(refused('8 CPUs'));
    await expect(resize(4, 9000)).rejects.toMatchObject(refused('8192 MB'));
    await zone.host().ensureStopped(spec.name, 30);
    await resize(16, 16_384);
    await zone.host().ensureRunning(spec.name);
    expect(await find(spec.name)).toMatchObject({ state: 'running', cpus: 16, ramMb: 16_384 });
  });

  it('is powered off when its grace is over and it does not listen', async () => {
    await zone.stop();
    zone = await ZoneFixture.start({ profile: 'demo', scale: 20 });
    const { spec } = await booted();
    await zone.fault({ on: 'node', match: 'poweroff', kind: 'hang' });
    await zone.host().ensureStopped(spec.name, 60);
    await zone.host().ensureRunning(spec.name);
    await zone.host().ensureStopped(spec.name, 60);
    const [hung = 0, listened = 0] = (await zone.effects('domain.stop')).map(seconds);
    expect(hung).toBeGreaterThanOrEqual(0.29);
    expect(listened).toBeLessThan(hung);
    expect((await find(spec.name))?.state).toBe('shut off');
  });

  describe('behind the back of the service', () => {
    it('is off while its host is down, and runs again with it unless it was stopped', async () => {
      const runs = await booted();
      const stops = await booted({ ipAddress: '10.1.1.11' });
      const elsewhere = await booted({ ipAddress: '10.1.1.12' }, 'host-2');
      await zone.host().ensureStopped(stops.spec.name, 30);
      const effects = await zone.effects();
      expect((await zone.control('hosts/host-1', { down: true })).status).toBe(200);
      await expect(zone.host().listDomains()).rejects.toMatchObject({ type: 'HostUnreachable' });
      const [other] = await zone.host('host-2').listDomains();
      expect(other).toMatchObject({ name: elsewhere.spec.name, state: 'running' });
      const world = await zone.get<{ domains: { host: string; state: string }[] }>('/control/world');
      expect(world.domains.map(({ host, state }) => `${host} ${state}`)).toEqual([
        'host-1 shut off',
        'host-1 shut off',
        'host-2 running',
      ]);
      await zone.restart();
      await expect(zone.host().listDomains()).rejects.toMatchObject({ type: 'HostUnreachable' });
      await zone.control('hosts/host-1', { down: false });
      expect((await find(runs.spec.name))?.state).toBe('running');
      expect((await find(stops.spec.name))?.state).toBe('shut off');
      expect(await zone.effects()).toEqual(effects);
    });

    it('does not come up on a host that went down meanwhile; a host may also hang', async () => {
      await zone.stop();
      zone = await ZoneFixture.start({ profile: 'demo', scale: 10 });
      const one = aMachine();
      await prepare(one);
      const start = zone.host().ensureRunning(one.spec.name);
      const lost = expect(start).rejects.toMatchObject({ type: 'HostUnreachable' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await zone.control('hosts/host-1', { down: true, hang: true });
      await lost;
      const caller = new AbortController();
      const call = zone.host('host-1', () => caller.signal).listDomains();
      setTimeout(() => caller.abort(new Error('gave up')), 50);
      await expect(call).rejects.toThrow('gave up');
      await zone.control('hosts/host-1', { down: false });
      expect((await find(one.spec.name))?.state).toBe('shut off');
    });

    it('is switched off, on, and undefined', async () => {
      const { spec, volume } = await booted();
      const set = async (state: string) => (await zone.control(`domains/${spec.name}`, { state })).status;
      expect(await set('shut off')).toBe(200);
      expect((await find(spec.name))?.state).toBe('shut off');
      expect(await set('running')).toBe(200);
      expect((await find(spec.name))?.state).toBe('running');
      expect(await set('gone')).toBe(200);
      expect(await find(spec.name)).toBeUndefined();
      expect(await zone.host().listVolumes()).toContain(volume.name);
      expect(await set('running')).toBe(404);
      expect(await set('on fire')).toBe(400);
    });
  });

  it('is one of ten thousand that were there at once, and its host lists it fast', async () => {
    const domains = Array.from({ length: 10_000 }, (_, i) => ({ host: `host-${i % 200}`, name: `i-${i}` }));
    expect(await (await zone.control('seed', { domains })).json()).toEqual({ domains: 10_000 });
    const begin = performance.now();
    const lists = await Promise.all(Array.from({ length: 200 }, (_, i) => zone.host(`host-${i}`).listDomains()));
    // The bound only tells a list from a search through all machines; it takes a tenth of it.
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(new Set(lists.map((list) => list.length))).toEqual(new Set([50]));
    const facts = { clusterId: '', machineId: '1007', state: 'running', media: [], cpus: 2, ramMb: 2048 };
    expect(lists[7]?.[0]).toEqual({ name: 'i-1007', ...facts });
    await zone.restart();
    expect(await zone.host('host-7').listDomains()).toEqual(lists[7]);
    expect((await zone.control('seed', { domains: [{ host: 'host-7', name: 'i-7' }] })).status).toBe(409);
    expect((await zone.control('seed', { domains: [{ host: 'host-7' }] })).status).toBe(400);
  });

  it('may be of a user, and answers SSH', async () => {
    const network = aNetwork(['10.1.1.50']);
    await zone.gateway().apply(network);
    const guest = { hostKey: hostKey.private, authorizedKeys: [keyPair.public] };
    const { networkId } = network;
    const machine = { host: 'host-1', name: 'billing', networkId, ipAddress: '10.1.1.50', guest };
    expect((await zone.control('seed', { domains: [machine] })).status).toBe(200);
    const shell = await Shell.wait(network.publicAddress, 2222);
    await shell.upload();
    expect((await shell.run('status', 'x')).line.state).toBe('absent');
    shell.close();
    expect(await find('billing')).toMatchObject({ clusterId: '', state: 'running' });
    expect(JSON.stringify(await zone.get('/control/world'))).not.toContain('PRIVATE KEY');
  });
});
