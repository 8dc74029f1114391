import { type Hypervisor, imageName, type ImageFile, type ImageSpec } from '../../activities/hypervisor/driver.js';
import { aMachine } from './zone-fixture.js';

export interface HypervisorUnderTest {
  hypervisor: Hypervisor;
  /** A template, the medium of a version, and where their files are. */
  template: ImageSpec;
  medium: ImageSpec;
  file: (image: ImageSpec) => ReturnType<ImageFile>;
  /** Number of changes made so far, where the driver can tell. */
  changes?: () => Promise<number>;
  stop(): Promise<void>;
}

/**
 * What every hypervisor driver promises; run it for each driver. Containers keep it too: they have folders where virtual machines
 * have disks and drives. What that means for a guest is in the tests of each driver.
 */
export function describeHypervisor(name: string, make: () => Promise<HypervisorUnderTest>): void {
  describe(`${name} keeps the hypervisor contract`, () => {
    let test: HypervisorUnderTest;
    let driver: Hypervisor;
    let iso: string;
    beforeAll(async () => {
      test = await make();
      driver = test.hypervisor;
      iso = imageName(test.medium);
    });
    afterAll(() => test.stop());

    let last = 0;
    const machine = () => {
      const { spec, seed, volume } = aMachine({ networkId: `network-${++last}` });
      const sizes = { cpus: 1, ramMb: 128, maxCpus: 2, maxRamMb: 256 };
      const macAddress = `02:00:00:00:01:${last.toString(16).padStart(2, '0')}`;
      return {
        spec: { ...spec, ...sizes, macAddress, media: [seed.name, iso] },
        seed,
        volume: { ...volume, sizeGb: 1, templateId: test.template.id },
      };
    };
    const define = async ({ spec, seed, volume }: ReturnType<typeof machine>) => {
      for (const image of [test.template, test.medium]) await driver.ensureImage(image, () => test.file(image));
      await driver.ensureNetwork(spec);
      await driver.ensureVolume(volume);
      await driver.ensureSeed(seed);
      await driver.ensureDefined(spec);
    };
    const remove = async ({ spec, seed, volume }: ReturnType<typeof machine>) => {
      await driver.ensureAbsent(spec.name);
      await driver.ensureSeedAbsent(seed.name);
      await driver.ensureVolumeAbsent(volume.name);
      await driver.ensureNetworkAbsent(spec);
    };
    const find = async (name: string) => (await driver.listDomains()).find((one) => one.name === name);
    const refusal = { type: 'HypervisorRefused', nonRetryable: true };

    it('says what the host is', async () => {
      const facts = await driver.readFacts();
      expect(facts.cpus).toBeGreaterThan(0);
      expect(facts.ramMb).toBeGreaterThan(0);
      expect(facts.arch).not.toBe('');
      expect(facts.hypervisor).not.toBe('');
    });

    it('leaves a defined domain shut off, with its media and whose it is', async () => {
      const one = machine();
      await define(one);
      const { name, clusterId, machineId, media, cpus, ramMb } = one.spec;
      expect(await find(name)).toEqual({ name, clusterId, machineId, state: 'shut off', media, cpus, ramMb });
      await remove(one);
    });

    it('tells which volumes, seeds and images are there', async () => {
      const one = machine();
      const names = [one.volume.name, one.seed.name];
      const shown = async () => (await driver.listVolumes()).filter((each) => each.startsWith(one.spec.name)).sort();
      expect(await shown()).toEqual([]);
      await define(one);
      expect(await driver.listVolumes()).toEqual(expect.arrayContaining([...names, imageName(test.template), iso]));
      await remove(one);
      expect(await shown()).toEqual([]);
    });

    it('changes nothing when the same is asked for again', async () => {
      const one = machine();
      const twice = async (act: () => Promise<void>) => {
        await act();
        const before = await test.changes?.();
        await act();
        expect(await test.changes?.()).toBe(before);
      };
      await twice(() => define(one));
      await twice(() => driver.ensureRunning(one.spec.name));
      await twice(() => driver.ensureDefined(one.spec));
      await twice(() => driver.ensureMediumDetached(one.spec.name, one.seed.name));
      await twice(() => driver.ensureSize(one.spec.name, { cpus: 1, ramMb: 192 }));
      await twice(() => driver.ensureStopped(one.spec.name, 0));
      await twice(() => driver.ensureMediumAttached(one.spec.name, one.seed.name));
      await twice(() => driver.ensureAbsent(one.spec.name));
      await twice(() => driver.ensureSeedAbsent(one.seed.name));
      await twice(() => driver.ensureVolumeAbsent(one.volume.name));
      await twice(() => driver.ensureNetworkAbsent(one.spec));
      expect(await find(one.spec.name)).toBeUndefined();
    });

    it('does once what is asked for several times at once', async () => {
      const one = machine();
      await define(one);
      const before = await test.changes?.();
      await Promise.all([1, 2, 3].map(() => driver.ensureRunning(one.spec.name)));
      if (test.changes) expect(await test.changes()).toBe((before ?? 0) + 1);
      expect((await find(one.spec.name))?.state).toBe('running');
      await remove(one);
    });

    it('takes a medium out of a running domain, and puts one in', async () => {
      const one = machine();
      await define(one);
      await driver.ensureRunning(one.spec.name);
      await driver.ensureMediumDetached(one.spec.name, one.seed.name);
      await driver.ensureSeedAbsent(one.seed.name);
      expect(await find(one.spec.name)).toMatchObject({ state: 'running', media: [iso] });
      await driver.ensureMediumDetached(one.spec.name, iso);
      expect(await find(one.spec.name)).toMatchObject({ state: 'running', media: [] });
      await driver.ensureMediumAttached(one.spec.name, iso);
      expect(await find(one.spec.name)).toMatchObject({ state: 'running', media: [iso] });
      await remove(one);
    });

    it('starts again what was stopped', async () => {
      const one = machine();
      await define(one);
      await driver.ensureRunning(one.spec.name);
      await driver.ensureStopped(one.spec.name, 1);
      expect((await find(one.spec.name))?.state).toBe('shut off');
      await driver.ensureRunning(one.spec.name);
      expect((await find(one.spec.name))?.state).toBe('running');
      await remove(one);
    });

    it('changes the size of a domain, running or not, up to its maximum', async () => {
      const one = machine();
      await define(one);
      const resized = async (cpus: number, ramMb: number) => {
        await driver.ensureSize(one.spec.name, { cpus, ramMb });
        expect(await find(one.spec.name)).toMatchObject({ cpus, ramMb });
      };
      await resized(2, 256);
      await resized(1, 128);
      await driver.ensureRunning(one.spec.name);
      await resized(2, 192);
      await expect(driver.ensureSize(one.spec.name, { cpus: 3, ramMb: 192 })).rejects.toMatchObject(refusal);
      await expect(driver.ensureSize(one.spec.name, { cpus: 2, ramMb: 512 })).rejects.toMatchObject(refusal);
      expect(await find(one.spec.name)).toMatchObject({ cpus: 2, ramMb: 192, state: 'running' });
      await remove(one);
    });

    it('finds nothing to take away where there is nothing', async () => {
      const { spec, seed, volume } = machine();
      await driver.ensureMediumDetached(spec.name, seed.name);
      await driver.ensureAbsent(spec.name);
      await driver.ensureSeedAbsent(seed.name);
      await driver.ensureVolumeAbsent(volume.name);
      await driver.ensureImageAbsent('template-nobody-knows');
      await driver.ensureNetworkAbsent(spec);
    });

    it('refuses for good to start a domain that is not defined', async () => {
      await expect(driver.ensureRunning(machine().spec.name)).rejects.toMatchObject(refusal);
    });

    it('refuses for good a domain whose volume does not exist', async () => {
      const one = machine();
      await driver.ensureSeed(one.seed);
      await expect(driver.ensureDefined(one.spec)).rejects.toMatchObject(refusal);
      await remove(one);
    });
  });
}
