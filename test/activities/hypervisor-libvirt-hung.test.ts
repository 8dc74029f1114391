import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../db/project-root.js';
import type { Hypervisor } from '../../activities/hypervisor/driver.js';
import { LibvirtChildren } from '../../activities/hypervisor/libvirt/children.js';
import { type HeldStarts, holdStarts } from '../../lab/libvirt/hold-starts.js';
import { hypervisorAt, MEDIUM, startBed, targetOf, type LibvirtBed } from '../../lab/libvirt/hosts.js';
import { PrivateLibvirt } from '../../lab/libvirt/private-libvirt.js';
import { describeWithLibvirt } from './describe-with-libvirt.js';
import { aMachine } from './zone-fixture.js';

const unreachable = { type: 'HostUnreachable', nonRetryable: false };
const machine = (mac: string) => {
  const { spec, seed, volume } = aMachine();
  const sizes = { cpus: 1, ramMb: 64, maxCpus: 1, maxRamMb: 64 };
  return {
    spec: { ...spec, ...sizes, macAddress: mac, media: [seed.name] },
    seed,
    volume: { ...volume, templateId: 'empty', sizeGb: 1 },
  };
};
type Machine = ReturnType<typeof machine>;

async function make(driver: Hypervisor, bed: LibvirtBed, { spec, seed, volume }: Machine): Promise<void> {
  for (const image of [bed.template, MEDIUM]) await driver.ensureImage(image, () => bed.file(image));
  await driver.ensureVolume(volume);
  await driver.ensureSeed(seed);
  await driver.ensureDefined(spec);
}
/** As the activities of an operation do: what may pass is tried again. */
async function retrying<T>(act: () => Promise<T>): Promise<T> {
  for (let left = 40; ; left--) {
    try {
      return await act();
    } catch (error) {
      if ((error as { nonRetryable?: boolean }).nonRetryable !== false || left === 0) throw error;
      await sleep(250);
    }
  }
}
const took = async (act: () => Promise<unknown>) => {
  const began = Date.now();
  await act();
  return Date.now() - began;
};
const alive = (pid: number) => existsSync(`/proc/${pid}`);
async function until(isSo: () => boolean): Promise<void> {
  for (let left = 200; left > 0 && !isSo(); left--) await sleep(25);
  expect(isSo()).toBe(true);
}

describeWithLibvirt('a host whose daemon fails', () => {
  let bed: LibvirtBed;
  let other: PrivateLibvirt;
  let all: LibvirtChildren[] = [];
  let starts: HeldStarts;
  const childrenWith = (options: ConstructorParameters<typeof LibvirtChildren>[0]) => {
    const children = new LibvirtChildren(options);
    all.push(children);
    const at = (url: string, name: string) => hypervisorAt(children, targetOf(url, { name }));
    return { children, host: at(bed.libvirt.url('qemu'), 'host-1'), second: at(other.url('qemu'), 'host-2') };
  };
  beforeAll(async () => {
    [bed, other] = await Promise.all([startBed('qemu'), PrivateLibvirt.start()]);
    starts = await holdStarts(bed.libvirt, 'qemu');
  });
  afterEach(async () => {
    starts.release();
    await Promise.all(all.map((children) => children.close()));
    all = [];
  });
  afterAll(() => Promise.all([bed.stop(), other.stop()]));
  const domains = () => bed.libvirt.virsh('qemu', 'list', '--all', '--name').split('\n').filter(Boolean);
  const running = () => bed.libvirt.virsh('qemu', 'list', '--name').split('\n').filter(Boolean);

  it('that was stopped is unreachable, by name, and serves again without a new start of ours', async () => {
    const { host } = childrenWith({});
    await host.readFacts();
    bed.libvirt.signalDaemon('TERM');
    await until(() => !existsSync(bed.libvirt.socket));
    await expect(host.listDomains()).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringMatching(/host-1 .*libvirt says .*systemctl status libvirtd/) as string,
    });
    await bed.libvirt.startDaemon();
    expect(await retrying(() => host.listDomains())).toEqual([]);
  });

  it.each(['start', 'started'] as const)(
    'that is killed in the middle of a start (%s) has one domain after it is back',
    async (moment) => {
      const { host } = childrenWith({});
      const one = machine('02:00:00:00:02:01');
      await make(host, bed, one);
      starts.hold(moment);
      const start = host.ensureRunning(one.spec.name).then(
        () => 'done',
        (error: unknown) => error,
      );
      await starts.held();
      bed.libvirt.signalDaemon('KILL');
      starts.release();
      await bed.libvirt.startDaemon();
      expect(await start).toMatchObject(unreachable);
      await retrying(() => host.ensureDefined(one.spec));
      await retrying(() => host.ensureRunning(one.spec.name));
      expect(domains()).toEqual([one.spec.name]);
      expect(running()).toEqual([one.spec.name]);
      await retrying(() => host.ensureAbsent(one.spec.name));
      expect(domains()).toEqual([]);
      // A daemon that was killed between making a process and reaching it looks for it for half a minute before it gives up.
    },
    150_000,
  );

  it('that hangs in the middle of a start is found by keepalive, holds up no other host, and goes on when it wakes up', async () => {
    const { children, host, second } = childrenWith({ keepAlive: { interval: 1, count: 2 } });
    const one = machine('02:00:00:00:02:02');
    await make(host, bed, one);
    await second.readFacts();
    const [pid] = children.pids;
    starts.hold('start');
    const call = host.ensureRunning(one.spec.name).catch((error: unknown) => error);
    await starts.held();
    bed.libvirt.signalDaemon('STOP');
    try {
      for (let i = 0; i < 10; i++) expect(await took(() => second.listDomains())).toBeLessThan(1000);
      const waited = await took(async () => {
        expect(await call).toMatchObject(unreachable);
      });
      expect(waited).toBeLessThan(8000);
      expect(children.pids).toEqual([pid]);
    } finally {
      starts.release();
      bed.libvirt.signalDaemon('CONT');
    }
    await retrying(() => host.ensureRunning(one.spec.name));
    expect(domains()).toEqual([one.spec.name]);
    expect(running()).toEqual([one.spec.name]);
    await host.ensureAbsent(one.spec.name);
  });

  it('that hangs longer than a call may take costs the child, and the calls of other hosts end well', async () => {
    const { children, host, second } = childrenWith({ limitMs: 4000, keepAlive: { interval: 60, count: 5 } });
    await host.readFacts();
    await second.readFacts();
    const [first = 0] = children.pids;
    bed.libvirt.signalDaemon('STOP');
    try {
      const hung = host.listDomains().catch((error: unknown) => error);
      const others: number[] = [];
      let over = false;
      void hung.then(() => (over = true));
      while (!over) others.push(await took(() => second.listDomains()));
      // Asked again at once it is not even tried: a hung host must not cost a child each time.
      await expect(host.listDomains()).rejects.toMatchObject({
        ...unreachable,
        message: expect.stringContaining('hung at the last call') as string,
      });
      expect(await hung).toMatchObject(unreachable);
      expect(Math.max(...others)).toBeLessThan(3500);
      await second.listDomains();
      await until(() => !alive(first));
      expect(children.size).toBe(1);
    } finally {
      bed.libvirt.signalDaemon('CONT');
    }
    expect(await retrying(() => host.listDomains())).toEqual([]);
  });

  it('that hangs while a connection is opened is given up after a time of its own', async () => {
    const { children, host, second } = childrenWith({ openMs: 1000 });
    await second.readFacts();
    const [first = 0] = children.pids;
    bed.libvirt.signalDaemon('STOP');
    try {
      expect(await took(() => expect(host.listDomains()).rejects.toMatchObject(unreachable))).toBeLessThan(3000);
      await second.listDomains();
      await until(() => !alive(first));
    } finally {
      bed.libvirt.signalDaemon('CONT');
    }
    expect(await retrying(() => host.listDomains())).toEqual([]);
  });

  it('that hangs does not keep a worker from stopping, also while a connection is being opened', async () => {
    const { children, host } = childrenWith({});
    bed.libvirt.signalDaemon('STOP');
    try {
      const calls = [1, 2, 3].map(() => host.listDomains().catch((error: unknown) => error));
      await sleep(500);
      const [pid = 0] = children.pids;
      expect(await took(() => children.close(2000))).toBeLessThan(10_000);
      for (const call of calls) expect(await call).toMatchObject(unreachable);
      expect(alive(pid)).toBe(false);
      await expect(host.readFacts()).rejects.toMatchObject({
        ...unreachable,
        message: expect.stringContaining('stopping') as string,
      });
    } finally {
      bed.libvirt.signalDaemon('CONT');
    }
  });

  it('ends a call when its activity is cancelled, and does nothing more', async () => {
    const { children } = childrenWith({});
    const caller = new AbortController();
    const host = hypervisorAt(children, targetOf(bed.libvirt.url('qemu')), { signal: () => caller.signal });
    await host.readFacts();
    bed.libvirt.signalDaemon('STOP');
    try {
      const call = host.ensureAbsent('i-nothing');
      setTimeout(() => caller.abort(new Error('cancelled')), 100);
      await expect(call).rejects.toThrow('cancelled');
    } finally {
      bed.libvirt.signalDaemon('CONT');
    }
  });

  it('a pool on storage that hangs holds up neither other hosts nor the stop, and one machine comes of it', async () => {
    const { children, host, second } = childrenWith({ limitMs: 2000 });
    const one = machine('02:00:00:00:02:03');
    for (const image of [bed.template]) await host.ensureImage(image, () => bed.file(image));
    // A file system whose server never answers: every look at it waits.
    const server = bed.libvirt.spawnInside('bash', [
      '--norc',
      '-c',
      `exec 9<>/dev/fuse; mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 hung ${bed.libvirt.pool} && echo $$; exec sleep 600`,
    ]);
    const holder = await new Promise<string>((resolve) =>
      server.stdout?.once('data', (pid: Buffer) => resolve(pid.toString().trim())),
    );
    const release = () =>
      bed.libvirt.inside('sh', '-c', `kill -9 ${holder} 2>/dev/null; umount -l ${bed.libvirt.pool} 2>/dev/null; true`);
    try {
      const hung = host.ensureSeed(one.seed).catch((error: unknown) => error);
      for (let i = 0; i < 5; i++) expect(await took(() => second.listDomains())).toBeLessThan(1500);
      expect(await hung).toMatchObject(unreachable);
      const again = retrying(() => host.ensureSeed(one.seed)).catch((error: unknown) => error);
      await sleep(2500);
      const more = childrenWith({});
      const waiting = more.host.listVolumes().catch((error: unknown) => error);
      await sleep(200);
      expect(await took(() => more.children.close())).toBeLessThan(10_000);
      expect(await waiting).toMatchObject(unreachable);
      release();
      expect(await again).toBeUndefined();
    } finally {
      release();
    }
    await retrying(() => make(host, bed, one));
    await retrying(() => host.ensureRunning(one.spec.name));
    expect(running()).toEqual([one.spec.name]);
    expect((await host.listVolumes()).filter((name) => name.startsWith(one.spec.name))).toHaveLength(2);
    await host.ensureAbsent(one.spec.name);
    expect(children.size).toBe(1);
  });
});

describeWithLibvirt('the process that drives libvirt', () => {
  let libvirt: PrivateLibvirt;
  beforeAll(async () => {
    libvirt = await PrivateLibvirt.start();
  });
  afterAll(() => libvirt.stop());

  it('is started with the first call, one for all hosts, and again when it dies', async () => {
    const children = new LibvirtChildren();
    const hosts = ['a', 'b', 'c'].map((key) =>
      hypervisorAt(children, targetOf(libvirt.url('qemu'), { key, name: key })),
    );
    expect(children.size).toBe(0);
    await Promise.all(hosts.map((host) => host.readFacts()));
    expect(children.size).toBe(1);
    const [first = 0] = children.pids;
    process.kill(first, 'SIGKILL');
    await until(() => children.size === 0);
    await hosts[0]?.readFacts();
    expect(children.pids).not.toEqual([first]);
    await children.close();
    expect(children.size).toBe(0);
  });

  it('serves many calls of a host at the same time, each with its own answer', async () => {
    const children = new LibvirtChildren();
    const host = hypervisorAt(children, targetOf(libvirt.url('qemu')));
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        i % 2 ? host.readFacts() : host.ensureRunning(`i-${i}`).catch((error: unknown) => (error as Error).message),
      ),
    );
    answers.forEach((answer, i) =>
      i % 2 ? expect(answer).toMatchObject({ hypervisor: 'QEMU' }) : expect(answer).toContain(`has no domain i-${i}`),
    );
    await children.close();
  });

  it('names the package when the library is missing', async () => {
    const children = new LibvirtChildren({ library: 'libvirt-nowhere.so.0' });
    await expect(hypervisorAt(children, targetOf(libvirt.url('qemu'))).readFacts()).rejects.toMatchObject({
      type: 'HypervisorRefused',
      message: expect.stringMatching(/libvirt-nowhere.so.0 cannot be loaded: install libvirt0/) as string,
    });
    await children.close();
  });

  it('ends when its worker is killed, and takes its keys with it', async () => {
    const program = `
      const { LibvirtChildren } = await import('${path.join(projectRoot(), 'dist/activities/hypervisor/libvirt/children.js')}');
      const children = new LibvirtChildren();
      const target = ${JSON.stringify(targetOf(libvirt.url('qemu')))};
      await children.call({ ...target, files: { key: 'secret' } }, 'facts', []);
      console.log(JSON.stringify({ pid: children.pids[0], folder: [...children.all][0].folder }));
      setInterval(() => undefined, 1000);`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const text = await new Promise<Buffer>((resolve) => worker.stdout.once('data', resolve));
    const { pid, folder } = JSON.parse(text.toString()) as { pid: number; folder: string };
    expect(alive(pid)).toBe(true);
    expect(existsSync(folder)).toBe(true);
    worker.kill('SIGKILL');
    await until(() => !alive(pid));
    expect(existsSync(folder)).toBe(false);
  });

  it('costs a worker that drives no libvirt host nothing: neither koffi nor libvirt is loaded', async () => {
    const program = `
      const { driversFor } = await import('${path.join(projectRoot(), 'dist/activities/drivers.js')}');
      const { readFileSync } = await import('node:fs');
      const drivers = driversFor({});
      drivers.openHypervisor({ url: 'simulator://127.0.0.1:1/host-1' });
      await drivers.close();
      console.log(/koffi|libvirt\\.so/.test(readFileSync('/proc/self/maps', 'utf8')));`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const text = await new Promise<Buffer>((resolve) => worker.stdout.once('data', resolve));
    expect(text.toString().trim()).toBe('false');
  });
});
