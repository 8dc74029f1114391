import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputLines, programPath } from '../activities/node/cks-node.js';
import { projectRoot } from '../db/project-root.js';
import type { LabCluster, NodeAnswer } from './cluster.js';
import type { LabWorld } from './world.js';

export type Machine = ReturnType<LabCluster['machines']>[number];

const PATH = programPath(readFileSync(join(projectRoot(), 'guest/cks-node')));
export const KEY_PAIR = 'mine';

/** Makes a key pair of the user's known to the service, once. */
export async function registerKeyPair(world: LabWorld): Promise<void> {
  const file = join(world.folder, KEY_PAIR);
  if (existsSync(file)) return;
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', KEY_PAIR, '-f', file]);
  await world.cs('registerSSHKeyPair', { name: KEY_PAIR, publickey: readFileSync(`${file}.pub`, 'utf8').trim() });
}

/** Puts a medium into the drive of a machine, as the service does for an upgrade. */
export function putMedium(world: LabWorld, { instance_name }: Machine, version: string): void {
  const [row] = world.rows<{ iso_id: string }>('SELECT iso_id FROM kubernetes_supported_version WHERE uuid = ?', world.versions.get(version)!); // prettier-ignore
  const drive = join(world.libvirt.pool, `${instance_name}-drive`);
  assert.deepEqual(readdirSync(drive), [], 'the drive is empty after the create');
  execFileSync('cp', ['-al', `${join(world.libvirt.pool, `iso-${row!.iso_id}`)}/.`, drive]);
}

/** `cks-node` on the nodes of a cluster as its user calls it: over SSH through the forwards, with the key pair that the cluster was made with. */
export class NodeCalls {
  private calls = 0;
  constructor(readonly cluster: LabCluster) {}

  /** Throws with its words when the run failed. The same key finds its result, or waits for it. */
  async call(machine: Machine, subcommand: string, key: string, values: Record<string, string> = {}): Promise<NodeAnswer> {
    const { world } = this.cluster;
    const folder = join(world.folder, 'calls');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const input = join(folder, String(++this.calls));
    writeFileSync(input, inputLines(values), { mode: 0o600 });
    const said = await this.ssh(machine, input, `sudo ${PATH} ${subcommand} ${key}`);
    return JSON.parse(said) as NodeAnswer;
  } // prettier-ignore

  /** Leaves the program on a machine that the service never logged in to, as it does itself. */
  async put(machine: Machine): Promise<void> {
    const put = () => this.ssh(machine, join(projectRoot(), 'guest/cks-node'), `sudo install -D -m 0755 /dev/stdin ${PATH}`).then(() => true, (error: Error) => error.message);
    await this.cluster.world.until(`${machine.name} takes the program`, put, 120, 1000);
  } // prettier-ignore

  /** A run whose connection is cut once it goes on; the same key then waits for it. */
  async cut(machine: Machine, subcommand: string, key: string, values: Record<string, string> = {}): Promise<NodeAnswer> {
    const first = this.call(machine, subcommand, key, values).then(() => 'it came to its end', (error: Error) => error.message);
    const cuts = await this.cluster.cutSsh(machine, `cks-${key}`);
    assert(cuts > 0, `${subcommand} went on on ${machine.name}, and a connection was there to be cut`);
    assert.match(await first, /ended with 255/, `the call of ${subcommand} whose connection was cut`);
    const answer = await this.call(machine, subcommand, key);
    await this.settled(machine);
    return answer;
  } // prettier-ignore

  /** What was restarted may come up some seconds after the run that did it has ended. */
  private async settled(machine: Machine): Promise<void> {
    let last = '';
    const isSame = async () => {
      const [before, now] = [last, await this.look(machine).catch((error: Error) => error.message)];
      last = now;
      return now === before;
    };
    await this.cluster.world.until(`${machine.name} has settled`, isSame, 120, 3000);
  }

  /** Every stored run, asked for with its key: what it left is found. Answers how many there were. */
  async findAll(machine: Machine): Promise<number> {
    const state = this.cluster.runsFolder(machine);
    const runs = readdirSync(state).filter((file) => file.endsWith('.subcommand'));
    for (const file of runs) {
      const key = file.replace('.subcommand', '');
      const left = JSON.parse(readFileSync(join(state, `${key}.json`), 'utf8')) as NodeAnswer;
      const subcommand = readFileSync(join(state, file), 'utf8').trim();
      assert.deepEqual(await this.call(machine, subcommand, key), left, `${subcommand} ${key} on ${machine.name}`);
    }
    return runs.length;
  }

  /** Runs `act` and throws when anything on the machine is another than before: programs, settings, images, and what runs. */
  async unchanged<T>(machine: Machine, what: string, act: () => Promise<T>): Promise<T> {
    const before = await this.look(machine);
    const result = await act();
    assert.equal(await this.look(machine), before, `${machine.name} after ${what}`);
    return result;
  }

  private look(machine: Machine): Promise<string> {
    return this.cluster.inNode(machine, 'bash', '-c', LOOK);
  }

  private ssh(machine: Machine, input: string, line: string): Promise<string> {
    const { world } = this.cluster;
    const options = ['-i', join(world.folder, KEY_PAIR), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
    const { through, to } = this.address(machine);
    return world.run('bash', '-c', 'exec "$@" <"$0"', input, ...through, 'ssh', ...options, ...to, line);
  } // prettier-ignore

  /** A machine without a forward is reached from its gateway, in whose namespace its network is. */
  private address({ uuid, ip_address }: Machine): { through: string[]; to: string[] } {
    const [forward] = this.cluster.world.rows<{ port: number; host: string }>(
      "SELECT r.start_port AS port, i.public_ip_address AS host FROM firewall_rules r JOIN user_ip_address i ON i.uuid = r.ip_address_id WHERE r.vm_id = ? AND r.purpose = 'PortForwarding' AND r.private_port = 22",
      uuid,
    );
    if (forward) return { through: [], to: ['-p', String(forward.port), `cloud@${forward.host}`] };
    const [vm] = this.cluster.world.rows<{ network_id: string }>('SELECT network_id FROM vm_instance WHERE uuid = ?', uuid); // prettier-ignore
    return { through: ['nsenter', `--net=/run/netns/cks-${vm!.network_id}`], to: [`cloud@${ip_address}`] };
  }
}

/** What serves is told by its process: one that was restarted is another. A kubelet that kubeadm gave nothing yet begins again and again; those that elect a leader restart by themselves when the API is away. */
const LOOK = `
shopt -s nullglob
find /opt/bin /opt/cni /etc/kubernetes /etc/containerd /etc/systemd/system /etc/cni/net.d /etc/crictl.yaml /var/lib/kubelet/config.yaml \
  /var/lib/kubelet/kubeadm-flags.env /var/lib/cks/manifests /var/lib/cks/versions /var/lib/cks/installed /var/lib/cks/in-cluster \
  -type f -exec sha256sum {} + 2>/dev/null | sort -k2
ctr -n k8s.io images ls -q | sort
systemctl show -p MainPID -p ActiveEnterTimestamp containerd $([[ ! -f /var/lib/kubelet/config.yaml ]] || echo kubelet)
pgrep -x 'etcd|kube-apiserver' || true
`;
