import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../workflows/model/fault.js';
import { PrivateLibvirt } from './libvirt/private-libvirt.js';
import { sleep } from './world.js';

const NAME = 'probe';
const BOOT_SECONDS = 180;

/**
 * Why no node comes up on this machine, with nothing of the service in play: a container of the nodes' root, its systemd, containerd, and a
 * container in that. Undefined where one does. `root`: archive of the root. `image`: archive of the pause image.
 */
export async function whyNoNode(root: string, image: string): Promise<string | undefined> {
  let libvirt: PrivateLibvirt | undefined;
  try {
    libvirt = await PrivateLibvirt.start();
    await bootNode(libvirt, root, image);
    return undefined;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    return `no node comes up on this machine: ${(stderr || textOf(error)).trim().split('\n').slice(-3).join('; ')}`;
  } finally {
    await libvirt?.stop();
  }
}

async function bootNode(libvirt: PrivateLibvirt, archive: string, image: string): Promise<void> {
  const root = join(libvirt.pool, NAME);
  mkdirSync(root, { recursive: true });
  execFileSync('tar', ['-x', '-p', '--numeric-owner', '-f', archive, '-C', root]);
  execFileSync('cp', [image, join(root, 'image.tar')]);
  const file = join(libvirt.dir, 'probe.xml');
  writeFileSync(file, domain(root));
  libvirt.virsh('lxc', 'create', file);
  const inNode = (line: string): string =>
    libvirt.inside('nsenter', '-t', libvirt.firstOf(NAME), '-a', 'timeout', '60', '/bin/sh', '-euc', line);
  await until(() => inNode('systemctl start containerd && ctr version'));
  inNode('ctr images import /image.tar && ctr run -d "$(ctr images ls -q | head -n 1)" probe && ctr tasks ls | grep RUNNING');
} // prettier-ignore

/** Throws what `look` throws at the end of the time. */
async function until(look: () => void): Promise<void> {
  for (const end = Date.now() + BOOT_SECONDS * 1000; ; await sleep(500))
    try {
      return look();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
}

/** A node as the service defines it, but for its network. */
const domain = (root: string) => `<domain type='lxc'><name>${NAME}</name><memory unit='MiB'>1024</memory><vcpu>1</vcpu>
<os><type arch='x86_64'>exe</type><init>/sbin/cks-init</init></os>
<features><privnet/><capabilities policy='allow'/></features>
<devices>
<filesystem type='mount' accessmode='passthrough'><source dir='${root}'/><target dir='/'/></filesystem>
<interface type='bridge'><source bridge='cksbr0'/></interface>
<hostdev mode='capabilities' type='misc'><source><char>/dev/kmsg</char></source></hostdev>
<console type='pty'/></devices></domain>
`;
