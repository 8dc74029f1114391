import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabCase } from './cases/case.js';
import { whyNoLibvirt } from './libvirt/private-libvirt.js';

const PROGRAMS = ['cs', 'kubectl', 'mmdebstrap', 'nft', 'haproxy', 'genisoimage', 'ssh-keygen', 'curl', 'cc', 'go'];
const DISK_GB = 20;
const MEMORY_GB = 4;

/** What nodes need of the kernel that they share with this machine: each fails, in namespaces of its own, where it is lacking. */
const KERNEL: readonly (readonly [what: string, script: string])[] = [
  ['cgroups of version 1', 'mkdir m p && mount -t cgroup -o memory cgroup m && mount -t cgroup -o pids cgroup p'],
  ['overlay mounts', 'mkdir a b w o && mount -t overlay -o lowerdir=a,upperdir=b,workdir=w overlay o'],
  ['bridges and pairs of links', 'ip link add bridge0 type bridge && ip link add v1 type veth peer name v2'],
  ['VXLAN links', 'ip link add vx type vxlan id 1 dstport 8472 dev lo'],
  ['NAT by nftables', "nft 'add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c masquerade'"],
]; // prettier-ignore

/** Why cases cannot run on this machine, for a person to mend; undefined where they can. */
export function whyNoLab(cases: readonly LabCase[]): string | undefined {
  if (process.platform !== 'linux') return 'the lab needs Linux: its nodes are containers of libvirt';
  const why = whyNoLibvirt();
  if (why !== undefined) return `the lab needs root and libvirt, and this machine ${why}`;
  const missing = [...PROGRAMS, ...cases.flatMap(({ needs = [] }) => needs)].filter((name) => !isThere(name));
  if (missing.length > 0)
    return `the lab lacks ${missing.join(', ')}: .ci/run installs what comes from Debian, cs is from PyPI, go from go.dev`;
  return whyNoRoom() ?? whyNoKernel();
}

function whyNoRoom(): string | undefined {
  const { bavail, bsize } = statfsSync(tmpdir());
  const disk = Math.floor((bavail * bsize) / 2 ** 30);
  if (disk < DISK_GB) return `the lab needs ${DISK_GB} GiB in ${tmpdir()}, and ${disk} are free`;
  const memory = Math.floor(Number(/^MemAvailable: +(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 2 ** 20);
  return memory < MEMORY_GB ? `the lab needs ${MEMORY_GB} GiB of memory, and ${memory} are free` : undefined;
} // prettier-ignore

function whyNoKernel(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'cks-lab-kernel-'));
  try {
    for (const [i, [what, script]] of KERNEL.entries()) {
      const line = `export PATH=$PATH:/usr/sbin:/sbin; mkdir ${folder}/${i} && cd ${folder}/${i} && ${script}`;
      try {
        execFileSync('unshare', ['-m', '-n', 'sh', '-euc', line], { stdio: 'pipe' });
      } catch (error) {
        const said = String((error as { stderr?: Buffer }).stderr ?? '').trim();
        return `nodes need ${what}, which this machine does not give: ${said.split('\n').at(-1)}`;
      }
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isThere = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
