import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';

export const PROGRAM = join(projectRoot(), 'guest', 'cks-node');
export const FAKE_TOOL = join(projectRoot(), 'test', 'guest', 'fake-tool.sh');
const TOOLS = [
  'systemd-run',
  'systemctl',
  'blkid',
  'mount',
  'umount',
  'ctr',
  'containerd',
  'curl',
  'modprobe',
  'sysctl',
  'swapoff',
  'ip',
  'journalctl',
  'cloud-init',
  'iptables-save',
  'ip6tables-save',
];

export interface Answer {
  key: string;
  state: string;
  exit: number;
  result: Record<string, string>;
  error: string;
}
export interface Ended {
  status: number | null;
  stderr: string;
  answer: Answer;
}
export type Values = Record<string, string>;

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
export const lines = (values: Values) =>
  Object.entries(values).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`).join(''); // prettier-ignore

export async function until(look: () => boolean): Promise<void> {
  for (let waited = 0; !look(); waited += 20) {
    if (waited > 10_000) throw new Error('waited in vain');
    await sleep(20);
  }
}

/** A folder that `cks-node` takes for a machine (`CKS_ROOT`), with stand-ins for the programs that would touch a real one. */
export class GuestNode {
  readonly root = mkdtempSync(join(tmpdir(), 'cks-guest-'));
  readonly fake = join(this.root, 'fake');
  readonly #started: ChildProcess[] = [];

  /** `real`: programs that are not stood in for. */
  constructor(real: string[] = []) {
    mkdirSync(join(this.fake, 'bin'), { recursive: true });
    for (const tool of TOOLS) if (!real.includes(tool)) symlinkSync(FAKE_TOOL, join(this.fake, 'bin', tool));
  }

  /** Puts a medium of that version into the drive. */
  makeMedium(version = '1.34.2', images = ['kube-apiserver:v1.34.2', 'pause:3.10', 'pause:3.9']): void {
    const medium = join(this.fake, 'medium');
    rmSync(medium, { recursive: true, force: true });
    for (const folder of ['cni', 'cri-tools', 'k8s', 'docker']) mkdirSync(join(medium, folder), { recursive: true });
    for (const program of ['kubeadm', 'kubelet', 'kubectl']) {
      cpSync(FAKE_TOOL, join(medium, 'k8s', program));
      appendFileSync(join(medium, 'k8s', program), `# version v${version}\n`);
    }
    for (const file of ['kubelet.service', '10-kubeadm.conf', 'network.yaml', 'dashboard.yaml'])
      writeFileSync(join(medium, file), `# ${file}${version === '1.34.2' ? '' : ` ${version}`}\n`);
    this.pack('cni/cni-plugins-amd64.tgz', 'bridge', version, '-z');
    this.pack('cri-tools/crictl-linux-amd64.tar.gz', 'crictl', version, '-z');
    for (const image of images)
      this.pack(
        `docker/${image}.tar`,
        'manifest.json',
        `[{"Config":"c.json","RepoTags":["registry.k8s.io/${image}"],"Layers":[]}]`,
      );
  }

  pack(path: string, file: string, text: string, ...options: string[]): void {
    writeFileSync(join(this.fake, file), text);
    spawnSync('tar', ['-C', this.fake, ...options, '-cf', join(this.fake, 'medium', path), file]);
  }

  begin(args: string[], input: string, extra: Values = {}): { child: ChildProcess; ended: Promise<Ended> } {
    const env = {
      PATH: `${join(this.fake, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      CKS_ROOT: this.root,
      FAKE: this.fake,
      CKS_PAUSE: '0.01',
      ...extra,
    };
    const child = spawn('bash', [PROGRAM, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#started.push(child);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += String(text)));
    child.stderr.on('data', (text) => (stderr += String(text)));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const ended = new Promise<Ended>((resolve) =>
      child.on('close', (status) => {
        const answered = stdout.trim().split('\n');
        expect(answered.length).toBe(1);
        resolve({ status, stderr, answer: (stdout ? JSON.parse(stdout) : undefined) as Answer });
      }),
    );
    return { child, ended };
  }

  call = (subcommand: string, key: string, values: Values = {}, extra: Values = {}): Promise<Ended> =>
    this.begin([subcommand, key], lines(values), extra).ended;

  /** Every call of a stand-in, one a line. */
  calls = (): string[] => {
    const file = join(this.fake, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  };
  made = (start: string): number => this.calls().filter((line) => line.startsWith(start)).length;
  forget = (): void => rmSync(join(this.fake, 'calls'), { force: true });
  stored = (path: string): string => readFileSync(join(this.root, path), 'utf8');
  put = (path: string, text: string): void => {
    mkdirSync(join(this.root, path, '..'), { recursive: true });
    writeFileSync(join(this.root, path), text);
  };
  touch = (name: string, text = ''): void => writeFileSync(join(this.fake, name), text);

  async remove(): Promise<void> {
    rmSync(join(this.fake, 'hold'), { force: true });
    for (const child of this.#started.splice(0)) child.kill('SIGKILL');
    const units = join(this.fake, 'units');
    for (const unit of existsSync(units) ? readdirSync(units) : []) {
      const pid = readFileSync(join(units, unit), 'utf8').trim();
      if (unit === 'etcd.service') stop(Number(pid));
      for (let waited = 0; waited < 5000 && existsSync(`/proc/${pid}/exe`); waited += 20) await sleep(20);
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}

function stop(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended already
  }
}
