import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Hypervisor } from '../../activities/hypervisor/driver.js';
import { hypervisorAt, startBed, targetOf, type LibvirtBed } from '../../lab/libvirt/hosts.js';
import { describeWithLibvirt } from './describe-with-libvirt.js';
import { aMachine } from './zone-fixture.js';

const MIB = 1 << 20;

describeWithLibvirt('a pool whose storage is full', () => {
  describe.each(['qemu', 'lxc'] as const)('of a host with %s', (kind) => {
    // Mounted before the namespaces are made, so that the daemon and this service see the same.
    const storage = mkdtempSync(path.join(tmpdir(), 'cks-small-'));
    const filler = path.join(storage, 'filler');
    const pool = path.join(storage, 'pool');
    let bed: LibvirtBed;
    let driver: Hypervisor;
    beforeAll(async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'small', storage]);
      mkdirSync(pool);
      bed = await startBed(kind);
      bed.libvirt.virsh(kind, 'pool-define-as', 'small', 'dir', '--target', pool);
      driver = hypervisorAt(bed.children, targetOf(bed.libvirt.url(kind), { pool: 'small' }));
    });
    afterAll(async () => {
      await bed.stop();
      execFileSync('umount', [storage]);
      rmSync(storage, { recursive: true });
    });
    /** All but so much of the storage is taken by something else. */
    const leave = (bytes: number) => {
      rmSync(filler, { force: true });
      const free = Number(execFileSync('stat', ['-f', '-c', '%a*%S', storage], { encoding: 'utf8' }).split('*').reduce((product, factor) => product * Number(factor), 1)); // prettier-ignore
      writeFileSync(filler, Buffer.alloc(free - bytes));
    };
    const refusal = (name: string) => ({
      type: 'HypervisorRefused',
      nonRetryable: true,
      message: expect.stringMatching(
        new RegExp(`pool small of host host-1 is too full for ${name}: .*Make room in it`),
      ) as string,
    });

    it('is named with the remedy, and what was half made is finished when there is room', async () => {
      const { spec, seed, volume } = aMachine();
      const disk = { ...volume, templateId: bed.template.id, sizeGb: 1 };
      const machine = { ...spec, cpus: 1, ramMb: 64, maxCpus: 1, maxRamMb: 64, media: [seed.name] };
      const image = () => driver.ensureImage(bed.template, () => bed.file(bed.template));

      leave(64 << 10);
      await expect(image()).rejects.toMatchObject(refusal(`template-${bed.template.id}`));
      leave(8 * MIB);
      await image();
      leave(0);
      await expect(driver.ensureVolume(disk)).rejects.toMatchObject(refusal(volume.name));
      await expect(driver.ensureSeed(seed)).rejects.toMatchObject(refusal(seed.name));
      leave(4 * MIB);
      await driver.ensureVolume(disk);
      await driver.ensureSeed(seed);
      await driver.ensureDefined(machine);
      await driver.ensureRunning(spec.name);
      expect(await driver.listDomains()).toMatchObject([{ name: spec.name, state: 'running' }]);

      await driver.ensureAbsent(spec.name);
      await driver.ensureSeedAbsent(seed.name);
      await driver.ensureVolumeAbsent(volume.name);
      expect(readdirSync(pool).filter((name) => !name.includes('template-'))).toEqual([]);
    });
  });
});
