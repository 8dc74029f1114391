import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { saysFull, toFault } from '../../activities/hypervisor/libvirt/errors.js';
import { unpackIso } from '../../activities/hypervisor/libvirt/iso-reader.js';
import { isoApplication, writeIso } from '../../activities/hypervisor/libvirt/iso-writer.js';
import { libvirtUri } from '../../activities/hypervisor/libvirt/libvirt-uri.js';
import {
  drivesIn,
  foldersIn,
  machineXml,
  markOf,
  type MachineParts,
} from '../../activities/hypervisor/libvirt/machine-xml.js';
import { checkName, checkUuid } from '../../activities/hypervisor/libvirt/names.js';
import type { BridgedSpec } from '../../activities/hypervisor/libvirt/protocol.js';
import { checkDiskFile } from '../../activities/hypervisor/libvirt/qcow2.js';
import { LibvirtError } from '../../activities/hypervisor/libvirt/session.js';
import { parseHostUri } from '../../activities/hypervisor/libvirt/uri.js';
import { cloneVolume, emptyVolume, overlayVolume, placeIn } from '../../activities/hypervisor/libvirt/volume-xml.js';
import { allAt, firstAt, readXml, textAt, writeXml, xml, type Xml } from '../../activities/hypervisor/libvirt/xml.js';
import { aMachine } from './zone-fixture.js';

describe("a host's URL", () => {
  it.each([
    ['qemu:///system', 'qemu:///system'],
    ['qemu+unix:///system?socket=/run/x/libvirt-sock', 'qemu:///system?socket=/run/x/libvirt-sock'],
    ['qemu:///system?mode=direct&domain=qemu', 'qemu:///system?mode=direct'],
    ['lxc:///system', 'lxc:///system'],
    ['test:///default', 'test:///default'],
    ['qemu+tls://host.example/system', 'qemu+tls://host.example:16514/system?pkipath=/k'],
    [
      'qemu+libssh://ops@10.0.0.7:2022/system',
      'qemu+libssh://ops@10.0.0.7:2022/system?keyfile=/k/key&known_hosts=/k/known_hosts&known_hosts_verify=normal&sshauth=privkey&no_tty=1',
    ],
    [
      'qemu+libssh://[fd00::7]/system',
      'qemu+libssh://root@[fd00::7]:22/system?keyfile=/k/key&known_hosts=/k/known_hosts&known_hosts_verify=normal&sshauth=privkey&no_tty=1',
    ],
  ])('%s becomes %s', (url, uri) => {
    expect(libvirtUri(parseHostUri(url), '/k')).toBe(uri);
  });

  it.each([
    ['qemmu:///system', 'scheme'],
    ['qemu:/system', 'no URL'],
    ['', 'no URL'],
    ['qemu+ssh://h/system', '+libssh'],
    ['qemu+tcp://h/system', 'encrypted'],
    ['qemu+ext:///system?command=/bin/sh', 'program'],
    ['qemu:///session', '/system'],
    ['qemu:///system?socket=relative', 'absolute path'],
    ['qemu:///system?mode=sideways', 'auto, direct or legacy'],
    ['qemu:///system?command=/bin/sh', 'command'],
    ['qemu+libssh://h/system?known_hosts_verify=ignore', 'known_hosts_verify'],
    ['qemu+tls://h/system?no_verify=1', 'no_verify'],
    ['qemu+tls://h/system?socket=/x', 'means nothing'],
    ['qemu:///system?mode=auto&mode=direct', 'twice'],
    ['lxc:///system?domain=qemu', 'means nothing'],
    ['qemu+libssh://u:secret@h/system', 'password'],
    ['qemu://host/system', '+libssh'],
    ['lxc+tls://host/system', 'this machine only'],
    ['test:///../../etc/x y', ''],
  ])('%s is refused before anything is connected to', (url, why) => {
    expect(() => parseHostUri(url)).toThrow(
      expect.objectContaining({ type: 'BadParameter', message: expect.stringContaining(why) as string }) as Error,
    );
  });
});

describe('names and XML', () => {
  it.each(['a\0b', '', '-a', 'a b', "a'b", 'a<b', 'a/b', '../a', 'ä', 'x'.repeat(201)])(
    'the name %j is refused',
    (name) => {
      expect(() => checkName('domain', name)).toThrow(
        expect.objectContaining({ type: 'HypervisorRefused', nonRetryable: true }) as Error,
      );
    },
  );
  it('a machine without a UUID is refused', () => {
    expect(() => checkUuid('machine', 'machine-1')).toThrow('machine "machine-1" is no UUID');
  });

  it('what is written is read back, whatever it holds', () => {
    const one = xml('a', { b: `<'&">`, none: undefined }, [xml('c', {}, 'x < y & z'), xml('d'), false]);
    expect(writeXml(one)).toBe(`<a b='&lt;&apos;&amp;&quot;&gt;'><c>x &lt; y &amp; z</c><d/></a>`);
    expect(readXml(writeXml(one))).toEqual(one);
  });
  it('a NUL or a control character is not written', () => {
    for (const text of ['a\0', 'a\x07', '\ufffe']) {
      expect(() => writeXml(xml('a', {}, text))).toThrow('control character');
      expect(() => writeXml(xml('a', { b: text }))).toThrow('control character');
    }
  });
  it("reads libvirt's manner: declaration, comments, numbered characters, single elements", () => {
    const read = readXml(
      `<?xml version='1.0'?>\n<!-- <a> --><d x="1">\n <n>&#65;&#x42;&amp;lt;</n><e/><e y='2'/>\n</d>\n`,
    );
    expect(textAt(read, 'n')).toBe('AB&lt;');
    expect(allAt(read, 'e')).toHaveLength(2);
    expect(() => readXml('<a><b></a>')).toThrow();
  });
});

describe('the seed medium', () => {
  const files = {
    'user-data': '#cloud-config\n{}\n',
    'meta-data': '{"instance-id":"x"}',
    'network-config': 'y'.repeat(5000),
  };
  const medium = writeIso({ label: 'cidata', application: 'CKS i-1-seed', files });
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'cks-iso-'));
    writeFileSync(path.join(folder, 'seed.iso'), medium);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const has = (program: string) => {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };

  it('is the same each time, says whose it is, and changes with its files', () => {
    expect(writeIso({ label: 'cidata', application: 'CKS i-1-seed', files }).equals(medium)).toBe(true);
    expect(
      writeIso({ label: 'cidata', application: 'CKS i-1-seed', files: { ...files, 'meta-data': '{}' } }).equals(medium),
    ).toBe(false);
    expect(isoApplication(medium)).toBe('CKS i-1-seed');
    expect(medium.length).toBeLessThan(70_000);
  });

  it('unpacks to what it was made from', () => {
    const into = path.join(folder, 'out');
    mkdirSync(into);
    unpackIso(path.join(folder, 'seed.iso'), into);
    const found = Object.fromEntries(
      readdirSync(into).map((name) => [name, readFileSync(path.join(into, name), 'utf8')]),
    );
    expect(found).toEqual(files);
  });

  (has('isoinfo') ? it : it.skip)('is read by others, by its Rock Ridge and its Joliet names', () => {
    const iso = path.join(folder, 'seed.iso');
    for (const names of ['-R', '-J']) {
      expect(execFileSync('isoinfo', ['-i', iso, names, '-f'], { encoding: 'utf8' }).split('\n')).toEqual(
        expect.arrayContaining(['/meta-data', '/network-config', '/user-data']),
      );
      expect(execFileSync('isoinfo', ['-i', iso, names, '-x', '/user-data'], { encoding: 'utf8' })).toBe(
        files['user-data'],
      );
    }
    expect(execFileSync('isoinfo', ['-i', iso, '-d'], { encoding: 'utf8' })).toMatch(/Volume id: cidata\n/);
    expect(execFileSync('blkid', ['-p', '-o', 'export', iso], { encoding: 'utf8' })).toMatch(
      /LABEL=cidata\n[^]*TYPE=iso9660/,
    );
  });

  (has('genisoimage') ? it : it.skip)(
    'media that others made are unpacked: folders, long names, programs, large files',
    () => {
      const from = path.join(folder, 'from');
      mkdirSync(path.join(from, 'k8s', 'deep'), { recursive: true });
      const long = `${'a-long.name_'.repeat(16)}.tar`;
      const large = Buffer.alloc(3_000_001, 7);
      writeFileSync(path.join(from, 'k8s', 'kubeadm'), 'program', { mode: 0o755 });
      writeFileSync(path.join(from, 'k8s', 'deep', long), large);
      for (let i = 0; i < 60; i++) writeFileSync(path.join(from, `File ${i}.YAML`), String(i));
      for (const [options, out] of [
        [['-R', '-J', '-l', '-joliet-long'], 'both'],
        [['-R'], 'rock'],
      ] as const) {
        const iso = path.join(folder, `${out}.iso`);
        execFileSync('genisoimage', ['-quiet', '-o', iso, '-V', 'CDROM', ...options, from], { stdio: 'ignore' });
        const into = path.join(folder, out);
        mkdirSync(into);
        unpackIso(iso, into);
        expect(readdirSync(into).sort()).toEqual(readdirSync(from).sort());
        expect(readFileSync(path.join(into, 'File 59.YAML'), 'utf8')).toBe('59');
        expect(readFileSync(path.join(into, 'k8s', 'deep', long)).equals(large)).toBe(true);
        expect(statSync(path.join(into, 'k8s', 'kubeadm')).mode & 0o777).toBe(0o755);
      }
    },
  );

  it('what is no medium, or half of one, is an error', () => {
    const half = path.join(folder, 'half.iso');
    writeFileSync(half, medium.subarray(0, 20 * 2048));
    expect(() => unpackIso(half, folder)).toThrow('ends');
    writeFileSync(half, Buffer.alloc(40 * 2048));
    expect(() => unpackIso(half, folder)).toThrow('no ISO 9660 medium');
  });
});

describe('a template file', () => {
  const header = (change: (bytes: Buffer) => void = () => undefined): string => {
    const bytes = Buffer.alloc(600);
    bytes.write('QFI\xfb', 'latin1');
    bytes.writeUInt32BE(3, 4);
    change(bytes);
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'cks-qcow2-')), 'x');
    writeFileSync(file, bytes);
    return file;
  };
  it.each([
    ['is none', (bytes: Buffer) => bytes.fill(0)],
    ['has a backing file', (bytes: Buffer) => bytes.writeBigUInt64BE(104n, 8)],
    ['keeps its data in another file', (bytes: Buffer) => bytes.writeBigUInt64BE(4n, 72)],
  ])('that %s is refused as QCOW2', (why, change) => {
    const file = header(change);
    expect(() => checkDiskFile('template-x', file, 'qcow2')).toThrow(why);
    rmSync(path.dirname(file), { recursive: true });
  });
  it('that stands alone is taken', () => {
    const file = header();
    checkDiskFile('template-x', file, 'qcow2');
    rmSync(path.dirname(file), { recursive: true });
  });
});

describe('descriptions for libvirt', () => {
  const spec = (): BridgedSpec => ({ ...aMachine({ machineId: randomUUID() }).spec, bridge: 'cks7' });
  const parts = (rest: Partial<MachineParts>): MachineParts => ({
    type: 'kvm',
    arch: 'x86_64',
    root: { path: '/pool/root', kind: 'file' },
    media: [{ name: 'seed', path: '/pool/seed', kind: 'file' }],
    ...rest,
  });

  it('a disk is an overlay in a pool of files, and a full copy in logical and rbd pools', () => {
    expect(writeXml(overlayVolume('r', 10, { path: '/p/template-1', format: 'raw' }))).toBe(
      "<volume><name>r</name><capacity unit='bytes'>10</capacity><allocation unit='bytes'>0</allocation><target><format type='qcow2'/></target>" +
        "<backingStore><path>/p/template-1</path><format type='raw'/></backingStore></volume>",
    );
    expect(writeXml(cloneVolume('r', 10))).toBe(
      "<volume><name>r</name><capacity unit='bytes'>10</capacity><allocation unit='bytes'>10</allocation></volume>",
    );
    const onLvm = machineXml(spec(), parts({ root: { path: '/dev/vg/r', kind: 'block' } }));
    const [root] = allAt(onLvm, 'devices/disk');
    expect(root?.attributes['type']).toBe('block');
    expect(firstAt(root, 'source')?.attributes).toEqual({ dev: '/dev/vg/r' });
    expect(firstAt(root, 'driver')?.attributes['type']).toBe('raw');
  });

  it('in rbd pools disks and drives name the volume, its monitors and the secret of the pool', () => {
    const pool = readXml(
      "<pool type='rbd'><name>cks</name><source><host name='mon1' port='6789'/><host name='mon2'/><name>vms</name>" +
        "<auth type='ceph' username='cks'><secret uuid='00000000-0000-4000-8000-000000000001'/></auth></source></pool>",
    );
    const described = machineXml(
      spec(),
      parts({ root: placeIn(pool, 'vms/r'), media: [{ name: 's', ...placeIn(pool, 'vms/s') }] }),
    );
    const [root, drive, empty] = allAt(described, 'devices/disk');
    const secret = "<secret type='ceph' uuid='00000000-0000-4000-8000-000000000001'/>";
    const source = (name: string) =>
      `<source protocol='rbd' name='vms/${name}'><host name='mon1' port='6789'/><host name='mon2'/><auth username='cks'>${secret}</auth></source>`;
    expect([root?.attributes['type'], drive?.attributes['type'], empty?.attributes['type']]).toEqual(['network', 'network', 'file']); // prettier-ignore
    expect(writeXml(firstAt(root, 'source')!)).toBe(source('r'));
    expect(writeXml(firstAt(drive, 'source')!)).toBe(source('s'));
    expect(drivesIn(described).map(({ medium }) => medium)).toEqual(['vms/s', undefined, undefined]);
  });

  it('in logical pools disks and drives are block devices, and no volume is smaller than the group makes them', () => {
    const pool = readXml("<pool type='logical'><name>vg</name><source><name>vg</name></source></pool>");
    const drive = placeIn(pool, '/dev/vg/s');
    const described = machineXml(spec(), parts({ root: placeIn(pool, '/dev/vg/r'), media: [{ name: 's', ...drive }] }));
    for (const disk of allAt(described, 'devices/disk').slice(0, 2)) {
      expect(disk.attributes['type']).toBe('block');
      expect(Object.keys(firstAt(disk, 'source')?.attributes ?? {})).toEqual(['dev']);
    }
    expect(drivesIn(described)[0]?.medium).toBe('/dev/vg/s');
    const sizes = (made: Xml) => ['capacity', 'allocation'].map((at) => Number(textAt(made, at)));
    expect(sizes(emptyVolume('s', 1000, 'clone'))).toEqual([4 << 20, 4 << 20]);
    expect(sizes(emptyVolume('s', 9 << 20, 'clone'))).toEqual([9 << 20, 9 << 20]);
    expect(sizes(emptyVolume('s', 9 << 20, 'overlay'))).toEqual([0, 0]);
  });

  it('a virtual machine has its mark, its maximum, its media in drives and its bridge', () => {
    const one = spec();
    const described = machineXml(one, parts({}));
    expect(described.attributes['type']).toBe('kvm');
    expect(markOf(described)).toMatchObject({ cluster: one.clusterId, id: one.machineId });
    expect(textAt(described, 'uuid')).toBe(one.machineId);
    expect(firstAt(described, 'vcpu')).toMatchObject({ text: '8', attributes: { current: '2' } });
    expect(textAt(described, 'memory')).toBe(String(8192 * 1024));
    expect(textAt(described, 'currentMemory')).toBe(String(2048 * 1024));
    expect(drivesIn(described)).toEqual([
      { target: 'hdc', bus: 'ide', medium: '/pool/seed', device: undefined },
      { target: 'hdd', bus: 'ide', medium: undefined, device: undefined },
      { target: 'hda', bus: 'ide', medium: undefined, device: undefined },
    ]);
    expect(firstAt(described, 'devices/interface/source')?.attributes).toEqual({ bridge: 'cks7' });
    expect(allAt(described, 'devices/controller').map(({ attributes }) => attributes)).toEqual([
      { type: 'usb', model: 'none' },
    ]);
  });

  it('an emulated virtual machine has its CPU read as tables at its start; others are as libvirt has them', () => {
    const asked = (rest: Partial<MachineParts>) => allAt(machineXml(spec(), parts(rest)), 'qemu:capabilities/qemu:del');
    expect(asked({ type: 'qemu' }).map(({ attributes }) => attributes)).toEqual([
      { capability: 'cpu-unavailable-features' },
    ]);
    expect(asked({ type: 'kvm' })).toEqual([]);
    expect(asked({ type: 'qemu', arch: 'aarch64' })).toEqual([]);
  });

  it('a container has folders: root, seed and drive, a network of its own, and what kubeadm needs', () => {
    const described = machineXml(
      spec(),
      parts({
        type: 'lxc',
        root: { path: '/pool/root', kind: 'folder' },
        init: '/sbin/cks-init',
        drive: '/pool/drive',
      }),
    );
    expect(foldersIn(described)).toEqual([
      { from: '/pool/root', to: '/' },
      { from: '/pool/drive', to: '/mnt/k8sdisk' },
      { from: '/pool/seed', to: '/var/lib/cloud/seed/nocloud' },
    ]);
    expect(textAt(described, 'os/init')).toBe('/sbin/cks-init');
    expect(firstAt(described, 'features/privnet')).toBeDefined();
    expect(firstAt(described, 'features/capabilities')?.attributes).toEqual({ policy: 'allow' });
    expect(firstAt(described, 'devices/console')?.attributes).toEqual({ type: 'pty' });
  });
});

describe('an error of libvirt', () => {
  it.each([
    ['cannot write 4096 bytes: No space left on device', true],
    ["failed to create volume 'vms/i-1-root': Disk quota exceeded", true],
    [
      'internal error: Child process (/sbin/lvcreate --name i-1-root -L 8388608K vg) unexpected exit status 5:   Volume group "vg" has insufficient free space (25 extents): 2048 required.',
      true,
    ],
    [
      'internal error: Child process (/sbin/lvcreate --name i-1-root -L 8388608K vg) unexpected exit status 5:   Insufficient suitable allocatable extents for logical volume i-1-root: 2023 more required',
      true,
    ],
    [
      'internal error: Child process (/sbin/lvcreate --name i-1-root -L 4096K vg) unexpected exit status 5:   Volume group "vg" not found',
      false,
    ],
    ["storage volume 'i-1-root' exists already", false],
  ])('%s: that a pool is full is %s', (words, isFull) => {
    expect(saysFull(new LibvirtError(1, 18, words))).toBe(isFull);
  });

  it.each([
    [38, 7, 'unable to connect to server', 'HostUnreachable'],
    [1, 7, 'client socket is closed', 'HostUnreachable'],
    [98, 66, 'Host key verification failed', 'HostIdentity'],
    [1, 7, "authentication failed: The server's certificate is not trusted", 'HostIdentity'],
    [98, 66, 'authentication failed: Failed to authenticate', 'HypervisorRefused'],
    [67, 10, 'unsupported configuration: x', 'HypervisorRefused'],
    [1, 10, 'internal error: process exited', 'HypervisorFailed'],
    [38, 18, 'cannot open volume', 'HypervisorFailed'],
  ])('%i from %i "%s" is %s, with the words of libvirt', (code, domain, words, expected) => {
    const { code: found, message } = toFault('host-9', 'start', new LibvirtError(code, domain, words));
    expect(found).toBe(expected);
    expect(message).toContain('host-9');
    expect(message).toContain(words);
  });
  it('is unreachable whatever it says when the connection is gone', () => {
    expect(toFault('h', 'x', new LibvirtError(1, 10, 'x'), true).code).toBe('HostUnreachable');
  });
});
