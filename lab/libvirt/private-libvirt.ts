import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PROGRAMS = ['libvirtd', 'virsh', 'qemu-img', 'qemu-system-x86_64', 'busybox', 'unshare', 'nsenter', 'ip'];

/** Why no libvirtd can be started here; undefined when one can. */
export function whyNoLibvirt(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const places = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'.split(':');
  const missing = PROGRAMS.filter((program) => !places.some((place) => existsSync(path.join(place, program))));
  if (missing.length > 0) return `lacks ${missing.join(', ')}`;
  try {
    execFileSync('unshare', ['-m', '-n', '-p', '-f', 'true'], { stdio: 'ignore' });
  } catch {
    return 'may not make namespaces';
  }
  return undefined;
}

/** What makes a mount, network and process namespace a host: a /sys of its own, folders of libvirt, a bridge. */
const SETUP = `
set -eu
mount --make-rprivate /
ip link set lo up
ip link add cksbr0 type bridge
ip link set cksbr0 up
mkdir -p "$DIR"/etc "$DIR"/var "$DIR"/cg "$DIR"/pool
if [ -d /sys/fs/cgroup ]; then
  mount --rbind /sys/fs/cgroup "$DIR/cg"
  umount -R -l /sys
  mount -t sysfs sysfs /sys
  mount --rbind "$DIR/cg" /sys/fs/cgroup
  umount -R -l "$DIR/cg"
  # libvirt 9.0 cannot repeat the second hierarchy of a hybrid machine inside a container
  [ ! -d /sys/fs/cgroup/unified ] || umount -l /sys/fs/cgroup/unified 2>/dev/null || true
fi
mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt
mount --bind "$DIR/etc" /etc/libvirt
mount --bind "$DIR/run" /run/libvirt
mount --bind "$DIR/var" /var/lib/libvirt
echo ready
# The first process of a namespace takes in what its parents left; at the end of its input all of the namespace ends.
while read -r line; do :; done
`;

const CONFIG = {
  'qemu.conf': `user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
remember_owner = 0
`,
  'lxc.conf': 'security_driver = "none"\n',
  'libvirtd.conf': 'auth_unix_rw = "none"\nunix_sock_rw_perms = "0700"\nauth_tls = "none"\n',
};

/** A libvirtd of the tests' own, that touches nothing of the machine and ends with them. */
export class PrivateLibvirt {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'cks-libvirt-'));
  /** In memory, as on every host: at each start of a domain libvirt writes its state there through to the disk a dozen times. */
  private readonly run = mkdtempSync('/dev/shm/cks-libvirt-run-');
  private holder!: ChildProcess;
  private listens = false;

  static async start(): Promise<PrivateLibvirt> {
    const fixture = new PrivateLibvirt();
    symlinkSync(fixture.run, path.join(fixture.dir, 'run'));
    fixture.holder = spawn(
      'unshare',
      ['-m', '-n', '-p', '-f', '--mount-proc', '--kill-child', 'bash', '--norc', '-c', SETUP],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DIR: fixture.dir },
      },
    );
    await new Promise<void>((resolve, reject) => {
      fixture.holder.stdout?.once('data', () => resolve());
      fixture.holder.once('exit', () => reject(new Error('the namespace could not be made')));
    });
    for (const [name, text] of Object.entries(CONFIG)) writeFileSync(path.join(fixture.dir, 'etc', name), text);
    await fixture.startDaemon();
    fixture.virsh('qemu', 'pool-define-as', 'default', 'dir', '--target', fixture.pool);
    fixture.virsh('qemu', 'pool-start', 'default');
    fixture.virsh('qemu', 'pool-autostart', 'default');
    return fixture;
  }

  get pool(): string {
    return path.join(this.dir, 'pool');
  }
  get socket(): string {
    return path.join(this.dir, 'run/libvirt-sock');
  }
  url(driver: 'qemu' | 'lxc'): string {
    return `${driver}:///system?socket=${this.socket}${driver === 'qemu' ? '&domain=qemu' : ''}`;
  }

  /** Runs a program in the namespaces and returns what it prints. */
  inside(program: string, ...args: string[]): string {
    return execFileSync('nsenter', [...this.entry(), program, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  /** Starts a program in the namespaces. */
  spawnInside(program: string, args: string[], namespaces: string[] = ['-m', '-n', '-p']): ChildProcess {
    return spawn('nsenter', ['-t', String(this.first()), ...namespaces, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  virsh(driver: 'qemu' | 'lxc', ...args: string[]): string {
    return this.inside('virsh', '-q', '-c', `${driver}:///system`, ...args);
  }
  /** The first process of a running container, as these namespaces count it. */
  firstOf(container: string): string {
    const keeper = this.virsh('lxc', 'domid', container).trim();
    return this.inside('pgrep', '-P', keeper).trim().split('\n')[0]!;
  }

  /** From now on the daemon listens for TLS on its own loopback, with the certificates in `folder`, and asks for one of the same authority. */
  async listenTls(folder: string): Promise<void> {
    const file = (name: string) => `"${path.join(folder, `${name}.pem`)}"`;
    writeFileSync(
      path.join(this.dir, 'etc/libvirtd.conf'),
      `${CONFIG['libvirtd.conf']}listen_tls = 1\nlisten_addr = "127.0.0.1"\ntls_no_verify_certificate = 0\nca_file = ${file('cacert')}\n` +
        `cert_file = ${file('servercert')}\nkey_file = ${file('serverkey')}\n`,
    );
    // Where no device but the loopback has an address, no name has one either.
    this.inside('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'cksbr0');
    this.listens = true;
    await this.restartDaemon();
  }

  /** Starts it when the one before has ended: a daemon holds its pid file longer than its socket. */
  async startDaemon(): Promise<void> {
    const file = path.join(this.dir, 'run/libvirtd.pid');
    const pid = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
    for (let left = 200; left > 0 && pid !== '' && this.runs(pid); left--)
      await new Promise((resolve) => setTimeout(resolve, 50));
    rmSync(file, { force: true });
    this.inside(
      'libvirtd',
      '--daemon',
      ...(this.listens ? ['--listen'] : []),
      '--config',
      '/etc/libvirt/libvirtd.conf',
      '--pid-file',
      '/run/libvirt/libvirtd.pid',
    );
    for (let left = 100; ; left--) {
      try {
        this.virsh('qemu', 'version');
        return;
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
  /** SIGSTOP hangs it, SIGCONT wakes it up, SIGTERM and SIGKILL end it. */
  signalDaemon(signal: 'STOP' | 'CONT' | 'TERM' | 'KILL'): void {
    this.inside('kill', `-${signal}`, readFileSync(path.join(this.dir, 'run/libvirtd.pid'), 'utf8').trim());
  }
  async restartDaemon(signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    this.signalDaemon(signal);
    await this.startDaemon();
  }
  private runs(pid: string): boolean {
    try {
      this.inside('kill', '-0', pid);
      return true;
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.holder.once('exit', resolve));
    for (const driver of ['lxc', 'qemu'] as const)
      for (const name of this.quietly(() => this.virsh(driver, 'list', '--name'))
        .split('\n')
        .filter(Boolean))
        this.quietly(() => this.virsh(driver, 'destroy', name));
    this.holder.stdin?.end();
    await gone;
    for (const folder of [this.dir, this.run]) rmSync(folder, { recursive: true, force: true });
    dropGroups();
  }
  private quietly(run: () => string): string {
    try {
      return run();
    } catch {
      return '';
    }
  }

  entry(): string[] {
    return ['-t', String(this.first()), '-m', '-n', '-p'];
  }
  /** The process that holds the namespaces: the only child of `unshare`. */
  first(): number {
    const pid = this.holder.pid ?? 0;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }
}

/** Empty control groups that a killed container left: they are the machine's. */
function dropGroups(): void {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return;
  for (const controller of readdirSync(root)) {
    const machines = path.join(root, controller, 'machine');
    if (!existsSync(machines)) continue;
    for (const group of readdirSync(machines).filter((name) => /^(lxc|qemu)-.*\.libvirt-(lxc|qemu)$/.test(name)))
      try {
        rmdirSync(path.join(machines, group));
      } catch {
        // in use, and so somebody else's
      }
  }
}

/** A disk image without anything on it. */
export function makeDisk(folder: string): string {
  const file = path.join(folder, 'empty.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '64M']);
  return file;
}

/** A root for containers: busybox and a first program that ends when it is asked to. */
export function makeRoot(folder: string): string {
  const root = path.join(folder, 'root');
  for (const name of [
    'bin',
    'sbin',
    'dev',
    'proc',
    'sys',
    'tmp',
    'mnt',
    'var/lib/cloud/seed/nocloud',
    'mnt/k8sdisk',
    'etc',
    'run',
  ])
    mkdirSync(path.join(root, name), { recursive: true });
  execFileSync('cp', [execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim(), path.join(root, 'bin/busybox')]);
  writeFileSync(
    path.join(root, 'sbin/init'),
    '#!/bin/busybox sh\n[ -e /stubborn ] || trap "exit 0" TERM\nwhile :; do /bin/busybox sleep 1; done\n',
    { mode: 0o755 },
  );
  const file = path.join(folder, 'root.tar.gz');
  execFileSync('tar', ['-C', root, '-czf', file, '.']);
  rmSync(root, { recursive: true });
  return file;
}
