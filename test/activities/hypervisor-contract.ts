import type { Hypervisor } from '../../activities/hypervisor/driver.js';
import { aMachine } from './zone-fixture.js';

export interface HypervisorUnderTest {
  hypervisor: Hypervisor;
  /** Template and version medium that its host can fetch. */
  templateUrl: string;
  templateId: string;
  isoUrl: string;
  isoId: string;
  /** Number of changes made so far, where the driver can tell. */
  changes?: () => Promise<number>;
  stop(): Promise<void>;
}

/** What every hypervisor driver promises; run it for each driver. */
export function describeHypervisor(name: string, make: () => Promise<HypervisorUnderTest>): void {
  describe(`${name} keeps the hypervisor contract`, () => {
    let test: HypervisorUnderTest;
    let driver: Hypervisor;
    beforeAll(async () => {
      test = await make();
      driver = test.hypervisor;
    });
    afterAll(() => test.stop());

    const machine = () => {
      const { spec, seed, volume } = aMachine({ networkId: `network-${Math.random()}` });
      const media = [seed.name, `iso-${test.isoId}`];
      const { templateId, templateUrl } = test;
      return { spec: { ...spec, media }, seed, volume: { ...volume, templateId, templateUrl } };
    };
    const define = async ({ spec, seed, volume }: ReturnType<typeof machine>) => {
      await driver.ensureIso(test.isoId, test.isoUrl);
      await driver.ensureVolume(volume);
      await driver.ensureSeed(seed);
      await driver.ensureDefined(spec);
    };
    const remove = async ({ spec, seed, volume }: ReturnType<typeof machine>) => {
      await driver.ensureAbsent(spec.name);
      await driver.ensureSeedAbsent(seed.name);
      await driver.ensureVolumeAbsent(volume.name);
    };
    const find = async (name: string) => (await driver.listDomains()).find((one) => one.name === name);

    it('says what the host is', async () => {
      const facts = await driver.readFacts();
      expect(facts.cpus).toBeGreaterThan(0);
      expect(facts.ramMb).toBeGreaterThan(0);
      expect(facts.arch).not.toBe('');
    });

    it('leaves a defined domain shut off, with its media and whose it is', async () => {
      const one = machine();
      await define(one);
      const { name, clusterId, machineId, media } = one.spec;
      expect(await find(name)).toEqual({ name, clusterId, machineId, state: 'shut off', media });
      await remove(one);
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
      await twice(() => driver.ensureAbsent(one.spec.name));
      await twice(() => driver.ensureSeedAbsent(one.seed.name));
      await twice(() => driver.ensureVolumeAbsent(one.volume.name));
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

    it('takes a medium out of a running domain', async () => {
      const one = machine();
      await define(one);
      await driver.ensureRunning(one.spec.name);
      await driver.ensureMediumDetached(one.spec.name, one.seed.name);
      await driver.ensureSeedAbsent(one.seed.name);
      expect(await find(one.spec.name)).toMatchObject({ state: 'running', media: [`iso-${test.isoId}`] });
      await remove(one);
    });

    it('finds nothing to take away where there is nothing', async () => {
      const { spec, seed, volume } = machine();
      await driver.ensureMediumDetached(spec.name, seed.name);
      await driver.ensureAbsent(spec.name);
      await driver.ensureSeedAbsent(seed.name);
      await driver.ensureVolumeAbsent(volume.name);
    });

    it('refuses for good to start a domain that is not defined', async () => {
      await expect(driver.ensureRunning(machine().spec.name)).rejects.toMatchObject({
        type: 'HypervisorRefused',
        nonRetryable: true,
      });
    });

    it('refuses for good a domain whose volume does not exist', async () => {
      const one = machine();
      await driver.ensureSeed(one.seed);
      await expect(driver.ensureDefined(one.spec)).rejects.toMatchObject({ type: 'HypervisorRefused' });
      await remove(one);
    });
  });
}
