import { existsSync, mkdirSync, readdirSync, renameSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { imageName } from '../../activities/hypervisor/driver.js';
import { LibvirtChildren } from '../../activities/hypervisor/libvirt/children.js';
import { machineXml } from '../../activities/hypervisor/libvirt/machine-xml.js';
import { placeIn } from '../../activities/hypervisor/libvirt/volume-xml.js';
import { allAt, firstAt, readXml, writeXml } from '../../activities/hypervisor/libvirt/xml.js';
import { hypervisorAt, MEDIUM, startBed, targetOf, type LibvirtBed } from '../../lab/libvirt/hosts.js';
import { describeWithLibvirt } from './describe-with-libvirt.js';
import { aMachine } from './zone-fixture.js';

const iso = imageName(MEDIUM);
const refused = (words: string) => ({
  type: 'HypervisorRefused',
  nonRetryable: true,
  message: expect.stringContaining(words) as string,
});
function machine(templateId: string) {
  const { spec, seed, volume } = aMachine();
  const sizes = { cpus: 1, ramMb: 64, maxCpus: 1, maxRamMb: 64 };
  return { spec: { ...spec, ...sizes, media: [seed.name, iso] }, seed, volume: { ...volume, templateId, sizeGb: 1 } };
}
type Machine = ReturnType<typeof machine>;
async function make(bed: LibvirtBed, { spec, seed, volume }: Machine): Promise<void> {
  for (const image of [bed.template, MEDIUM]) await bed.driver.ensureImage(image, () => bed.file(image));
  await bed.driver.ensureVolume(volume);
  await bed.driver.ensureSeed(seed);
  await bed.driver.ensureDefined(spec);
}

describeWithLibvirt('a host with QEMU', () => {
  let bed: LibvirtBed;
  beforeAll(async () => {
    bed = await startBed('qemu');
  });
  afterAll(() => bed.stop());
  const one = () => machine('empty');
  const inPool = (name: string) => path.join(bed.libvirt.pool, name);
  const volumeOf = (name: string, content = 'x') => {
    writeFileSync(inPool(name), content);
    bed.libvirt.virsh('qemu', 'pool-refresh', 'default');
  };

  it('starts a machine with its host once it has run, and no longer once it was stopped', async () => {
    const each = one();
    const autostart = () =>
      bed.libvirt.virsh('qemu', 'list', '--all', '--autostart', '--name').includes(each.spec.name);
    await make(bed, each);
    expect(autostart()).toBe(false);
    await bed.driver.ensureRunning(each.spec.name);
    expect(autostart()).toBe(true);
    await bed.driver.ensureStopped(each.spec.name, 1);
    expect(autostart()).toBe(false);
    await bed.driver.ensureAbsent(each.spec.name);
  });

  it('takes the description of a machine whose disks are in an rbd pool', () => {
    const pool = readXml(
      "<pool type='rbd'><source><host name='mon1' port='6789'/><name>vms</name><auth type='ceph' username='cks'><secret usage='ceph'/></auth></source></pool>",
    );
    const { spec } = one();
    const file = path.join(bed.libvirt.dir, 'rbd.xml');
    writeFileSync(
      file,
      writeXml(
        machineXml(
          { ...spec, bridge: 'cksbr0' },
          { type: 'qemu', arch: 'x86_64', root: placeIn(pool, 'vms/r'), media: [{ name: 's', ...placeIn(pool, 'vms/s') }] },
        ),
      ),
    ); // prettier-ignore
    bed.libvirt.virsh('qemu', 'define', '--validate', file);
    const kept = readXml(bed.libvirt.virsh('qemu', 'dumpxml', spec.name));
    expect(allAt(kept, 'devices/disk').map((disk) => [disk.attributes['type'], firstAt(disk, 'source')?.attributes['name']])).toEqual(
      expect.arrayContaining([['network', 'vms/r'], ['network', 'vms/s']]),
    ); // prettier-ignore
    bed.libvirt.virsh('qemu', 'undefine', spec.name);
  });

  it('makes a domain again that was removed behind its back', async () => {
    const each = one();
    await make(bed, each);
    bed.libvirt.virsh('qemu', 'undefine', each.spec.name);
    expect(await bed.driver.listDomains()).toEqual([]);
    await bed.driver.ensureDefined(each.spec);
    await bed.driver.ensureRunning(each.spec.name);
    expect(await bed.driver.listDomains()).toMatchObject([{ name: each.spec.name, state: 'running' }]);
    await bed.driver.ensureAbsent(each.spec.name);
  });

  it('notices that a file of its pool was deleted behind its back', async () => {
    const each = one();
    await make(bed, each);
    bed.libvirt.inside('rm', inPool(each.volume.name));
    await bed.driver.ensureVolume(each.volume);
    expect(existsSync(inPool(each.volume.name))).toBe(true);
    await bed.driver.ensureAbsent(each.spec.name);
  });

  it('never touches a domain of the same name that it did not make', async () => {
    const each = one();
    await make(bed, each);
    const { name } = each.spec;
    bed.libvirt.virsh('qemu', 'undefine', name);
    const file = path.join(bed.libvirt.dir, 'foreign.xml');
    writeFileSync(
      file,
      `<domain type='qemu'><name>${name}</name><memory>65536</memory><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>`,
    );
    bed.libvirt.virsh('qemu', 'define', file);
    const before = bed.libvirt.virsh('qemu', 'dumpxml', name);
    const acts = [
      () => bed.driver.ensureDefined(each.spec),
      () => bed.driver.ensureRunning(name),
      () => bed.driver.ensureStopped(name, 0),
      () => bed.driver.ensureAbsent(name),
      () => bed.driver.ensureMediumAttached(name, iso),
      () => bed.driver.ensureMediumDetached(name, iso),
      () => bed.driver.ensureSize(name, { cpus: 1, ramMb: 64 }),
    ];
    for (const act of acts)
      await expect(act()).rejects.toMatchObject(refused(`rename or remove it (virsh domrename ${name} NEW)`));
    expect(bed.libvirt.virsh('qemu', 'dumpxml', name)).toBe(before);
    expect(await bed.driver.listDomains()).toEqual([]);
    bed.libvirt.virsh('qemu', 'domrename', name, 'theirs');
    await bed.driver.ensureDefined(each.spec);
    await bed.driver.ensureAbsent(name);
    bed.libvirt.virsh('qemu', 'undefine', 'theirs');
  });

  it('takes over a domain that somebody else made, puts media in its drive, never removes it, and lets it go as it was', async () => {
    const each = one();
    await make(bed, each);
    const file = path.join(bed.libvirt.dir, 'pet.xml');
    const drive = "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>";
    writeFileSync(
      file,
      `<domain type='qemu'><name>pet</name><memory>65536</memory><metadata><their:note xmlns:their='urn:their'/></metadata><os><type arch='x86_64' machine='pc'>hvm</type></os><devices>${drive}</devices></domain>`,
    ); // prettier-ignore
    bed.libvirt.virsh('qemu', 'define', file);
    bed.libvirt.virsh('qemu', 'start', 'pet');
    const described = () => bed.libvirt.virsh('qemu', 'dumpxml', '--inactive', 'pet');
    const before = described();
    const { machineId: id } = aMachine().spec;
    await expect(bed.driver.ensureMediumAttached('pet', iso)).rejects.toMatchObject(refused('did not make'));
    await expect(bed.driver.ensureAdopted!('nobody', id)).rejects.toMatchObject(refused('there is no domain nobody'));
    for (let times = 0; times < 2; times++) await bed.driver.ensureAdopted!('pet', id);
    expect((await bed.driver.listDomains()).find(({ name }) => name === 'pet')).toEqual({
      name: 'pet', clusterId: '', machineId: id, state: 'running', media: [], cpus: 1, ramMb: 64,
    }); // prettier-ignore
    await expect(bed.driver.ensureAdopted!('pet', each.spec.machineId)).rejects.toMatchObject(refused(`is machine ${id}`)); // prettier-ignore
    await expect(bed.driver.ensureAdopted!(each.spec.name, id)).rejects.toMatchObject(refused(each.spec.machineId));
    await bed.driver.ensureMediumAttached('pet', iso);
    expect((await bed.driver.listDomains()).find(({ name }) => name === 'pet')?.media).toEqual([iso]);
    await bed.driver.ensureMediumDetached('pet', iso);
    await expect(bed.driver.ensureAbsent('pet')).rejects.toMatchObject(refused('was imported'));

    // A clone has the mark of its original, and is none of ours.
    const clone = described().replace(/<uuid>.*<\/uuid>/, '').replace('<name>pet<', '<name>clone<').replace(/<mac address.*\/>/, ''); // prettier-ignore
    writeFileSync(file, clone);
    bed.libvirt.virsh('qemu', 'define', file);
    await expect(bed.driver.ensureRunning('clone')).rejects.toMatchObject(refused('did not make'));
    bed.libvirt.virsh('qemu', 'undefine', 'clone');

    // Only as the machine that it is: another service's of the same name is left alone.
    const marked = described();
    await bed.driver.ensureLetGo!('pet', each.spec.machineId);
    expect(described()).toBe(marked);
    for (let times = 0; times < 2; times++) await bed.driver.ensureLetGo!('pet', id);
    expect(described()).toBe(before);
    await bed.driver.ensureLetGo!(each.spec.name, each.spec.machineId);
    expect((await bed.driver.listDomains()).map(({ name }) => name)).toEqual([each.spec.name]);
    await bed.driver.ensureAbsent(each.spec.name);
    bed.libvirt.virsh('qemu', 'destroy', 'pet');
    bed.libvirt.virsh('qemu', 'undefine', 'pet');
  });

  it('never touches a volume of the same name that it did not make', async () => {
    const { volume, seed } = one();
    for (const name of [volume.name, seed.name, 'template-theirs']) volumeOf(name);
    await expect(bed.driver.ensureVolume(volume)).rejects.toMatchObject(refused(volume.name));
    await expect(bed.driver.ensureVolumeAbsent(volume.name)).rejects.toMatchObject(refused('rename or delete it'));
    await expect(bed.driver.ensureSeed(seed)).rejects.toMatchObject(refused(seed.name));
    await expect(bed.driver.ensureSeedAbsent(seed.name)).rejects.toMatchObject(refused(seed.name));
    const theirs = { ...bed.template, id: 'theirs' };
    await expect(bed.driver.ensureImage(theirs, () => bed.file(theirs))).rejects.toMatchObject(
      refused('template-theirs'),
    );
    await expect(bed.driver.ensureImageAbsent('template-theirs')).rejects.toMatchObject(refused('template-theirs'));
    for (const name of [volume.name, seed.name, 'template-theirs']) {
      expect(readFileSync(inPool(name), 'utf8')).toBe('x');
      bed.libvirt.inside('rm', inPool(name));
    }
    bed.libvirt.virsh('qemu', 'pool-refresh', 'default');
  });

  it('sends an image again whose sending was cut off, and keeps what machines need', async () => {
    const image = { ...bed.template, id: 'cut-off' };
    volumeOf('template-cut-off', 'half');
    volumeOf('template-cut-off.qcow2.part', '');
    await bed.driver.ensureImage(image, () => bed.file(image));
    const { path: file } = await bed.file(image);
    expect(readFileSync(inPool('template-cut-off')).equals(readFileSync(file))).toBe(true);
    let asked = 0;
    await bed.driver.ensureImage(image, async () => (asked++, bed.file(image)));
    expect(asked).toBe(0);
    const { volume } = one();
    await bed.driver.ensureVolume({ ...volume, templateId: 'cut-off' });
    await expect(bed.driver.ensureImageAbsent('template-cut-off')).rejects.toMatchObject(refused(volume.name));
    await bed.driver.ensureVolumeAbsent(volume.name);
    await bed.driver.ensureImageAbsent('template-cut-off');
    expect(readdirSync(bed.libvirt.pool).filter((name) => name.includes('cut-off'))).toEqual([]);
  });

  it('counts what it sends: a file that is shorter or longer than said is no image', async () => {
    const image = { ...bed.template, id: 'short' };
    const file = await bed.file(image);
    for (const said of [file.bytes + 1, file.bytes - 1])
      await expect(bed.driver.ensureImage(image, async () => ({ ...file, bytes: said }))).rejects.toMatchObject({
        type: 'HypervisorFailed',
      });
    expect(await bed.driver.listVolumes()).toContain('template-short');
    await expect(bed.driver.ensureVolume({ ...one().volume, templateId: 'short' })).rejects.toMatchObject(
      refused('template-short'),
    );
    await bed.driver.ensureImageAbsent('template-short');
  });

  it('says which pool is too full, how much is free and how much is needed', async () => {
    const image = { ...bed.template, id: 'huge' };
    const file = await bed.file(image);
    const full = bed.driver.ensureImage(image, async () => ({ ...file, bytes: 2 ** 50 }));
    await expect(full).rejects.toMatchObject(
      refused('pool default of host host-1 is too full for template-huge: it needs 1048576 GB'),
    );
  });

  it('refuses a disk smaller than its template, a pool that is not there, and names that mean more than themselves', async () => {
    const children = new LibvirtChildren();
    const elsewhere = hypervisorAt(children, targetOf(bed.libvirt.url('qemu'), { pool: 'nowhere' }));
    await expect(elsewhere.listVolumes()).rejects.toMatchObject(refused('has no storage pool nowhere'));
    await children.close();
    for (const name of ["i-'x", 'a\0b', '../x', 'n'.repeat(300)]) {
      await expect(bed.driver.ensureVolumeAbsent(name)).rejects.toMatchObject(refused('volume'));
      await expect(bed.driver.ensureDefined({ ...one().spec, hostName: name })).rejects.toMatchObject(
        refused('host name'),
      );
    }
  });

  it('changes a drive also after a restart of the guest has closed its open tray', async () => {
    const each = one();
    const { name } = each.spec;
    await make(bed, each);
    await bed.driver.ensureRunning(name);
    await bed.driver.ensureMediumDetached(name, each.seed.name);
    bed.libvirt.virsh('qemu', 'reset', name);
    await bed.driver.ensureMediumAttached(name, each.seed.name);
    expect(await bed.driver.listDomains()).toMatchObject([{ name, media: [each.seed.name, iso] }]);
    await bed.driver.ensureAbsent(name);
  });

  it('says in whose words a start failed', async () => {
    const each = one();
    await make(bed, each);
    bed.libvirt.inside('ip', 'link', 'del', 'cksbr0');
    await expect(bed.driver.ensureRunning(each.spec.name)).rejects.toMatchObject({
      type: 'HypervisorFailed',
      nonRetryable: false,
      message: expect.stringMatching(/host-1 failed to start: libvirt says ".*cksbr0/) as string,
    });
    bed.libvirt.inside('ip', 'link', 'add', 'cksbr0', 'type', 'bridge');
    bed.libvirt.inside('ip', 'link', 'set', 'cksbr0', 'up');
    await bed.driver.ensureRunning(each.spec.name);
    await bed.driver.ensureAbsent(each.spec.name);
  });
});

describeWithLibvirt('a host with LXC', () => {
  let bed: LibvirtBed;
  beforeAll(async () => {
    bed = await startBed('lxc');
  });
  afterAll(() => bed.stop());
  const one = () => machine('busybox');

  it('shows a container its seed and its medium as folders, changes the medium while it runs, and empties the seed', async () => {
    const each = one();
    await make(bed, each);
    const { name } = each.spec;
    await bed.driver.ensureRunning(name);
    // A container is running a moment before its init is what it is to be.
    const init = async (left = 100): Promise<string> => {
      const pid = bed.libvirt
        .inside('sh', '-c', `ps -o pid=,args= ax | grep '[b]usybox sh /sbin/init' | head -1 | awk '{print $1}'`)
        .trim();
      if (pid !== '' || left === 0) return pid;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return init(left - 1);
    };
    const inside = async (folder: string) => {
      const pid = await init();
      return bed.libvirt.inside('sh', '-c', `ls /proc/${pid}/root${folder}`).split('\n').filter(Boolean).sort();
    };
    expect(await inside('/mnt/k8sdisk')).toEqual(['kubeadm-config.yaml', 'version.txt']);
    expect(await inside('/var/lib/cloud/seed/nocloud')).toEqual(['meta-data', 'network-config', 'user-data']);
    await bed.driver.ensureMediumDetached(name, iso);
    expect(await inside('/mnt/k8sdisk')).toEqual([]);
    await bed.driver.ensureMediumAttached(name, iso);
    expect(await inside('/mnt/k8sdisk')).toEqual(['kubeadm-config.yaml', 'version.txt']);
    await bed.driver.ensureMediumDetached(name, each.seed.name);
    await bed.driver.ensureSeedAbsent(each.seed.name);
    expect(await inside('/var/lib/cloud/seed/nocloud')).toEqual([]);
    // Its next start has no seed at all.
    await bed.driver.ensureStopped(name, 5);
    await bed.driver.ensureRunning(name);
    expect(bed.libvirt.virsh('lxc', 'dumpxml', name)).not.toContain('nocloud');
    await bed.driver.ensureAbsent(name);
    await bed.driver.ensureVolumeAbsent(each.volume.name);
    expect(readdirSync(bed.libvirt.pool).filter((entry) => entry.includes(each.spec.machineId))).toEqual([]);
  });

  it('finishes a removal that was killed when it had moved the root away', async () => {
    const { volume, spec } = one();
    await bed.driver.ensureVolume(volume);
    const at = (name: string) => path.join(bed.libvirt.pool, name);
    renameSync(at(volume.name), at(`.${volume.name}.4711-gone.part`));
    await bed.driver.ensureVolumeAbsent(volume.name);
    expect(readdirSync(bed.libvirt.pool).filter((entry) => entry.includes(spec.machineId))).toEqual([]);
  });

  it('removes what a copy had half made when its worker was killed, with the root and without one', async () => {
    const { volume, spec } = one();
    const left = () => readdirSync(bed.libvirt.pool).filter((entry) => entry.includes(spec.machineId));
    const draft = path.join(bed.libvirt.pool, `.${volume.name}.4711-new.part`);
    for (const isMade of [true, false]) {
      if (isMade) await bed.driver.ensureVolume(volume);
      mkdirSync(path.join(draft, 'etc'), { recursive: true });
      await bed.driver.ensureVolumeAbsent(volume.name);
      expect(left()).toEqual([]);
    }
  });

  it('never touches a folder of the same name that it did not make', async () => {
    const each = one();
    await make(bed, each);
    const { volume, seed } = one();
    for (const name of [volume.name, seed.name]) mkdirSync(path.join(bed.libvirt.pool, name));
    await expect(bed.driver.ensureVolume(volume)).rejects.toMatchObject(refused(volume.name));
    await expect(bed.driver.ensureVolumeAbsent(volume.name)).rejects.toMatchObject(refused('rename or delete it'));
    await expect(bed.driver.ensureSeed(seed)).rejects.toMatchObject(refused(seed.name));
    expect(await bed.driver.listVolumes()).not.toContain(volume.name);
  });
});

describe('the host that libvirt pretends', () => {
  const has = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'].some((folder) =>
    existsSync(path.join(folder, 'libvirt.so.0')),
  );
  (has ? it : it.skip)('answers without a daemon', async () => {
    const children = new LibvirtChildren();
    const host = hypervisorAt(children, targetOf('test:///default'));
    expect(await host.readFacts()).toMatchObject({ hypervisor: 'TEST' });
    // Its one domain was made by nobody of ours.
    expect(await host.listDomains()).toEqual([]);
    await expect(host.ensureAbsent('test')).rejects.toMatchObject(refused('did not make'));
    await children.close();
  });
});
