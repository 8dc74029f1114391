import { KubernetesClients } from '../../activities/kubernetes/clients.js';
import { Secret, writeSecret } from '../../db/secret.js';
import { Harness } from '../api/harness.js';
import { initInput, nodes } from '../simulator/cluster-fixture.js';
import { installInput, Shell, ZoneFixture } from './zone-fixture.js';

/** A simulated zone with the control node of a cluster, `c` in the rows, after its `kubeadm init`. */
export class KubernetesFixture {
  private constructor(
    readonly zone: ZoneFixture,
    private readonly h: Harness,
    private readonly shell: Shell,
  ) {}

  static async start(): Promise<KubernetesFixture> {
    const [zone, h] = await Promise.all([ZoneFixture.start({ profile: 'instant', scale: 1 }), Harness.start()]);
    const { network } = await nodes(zone);
    const shell = await Shell.wait(network.publicAddress, 2222);
    await shell.upload();
    await shell.run('install', 'install', installInput());
    await shell.run('init', 'init', initInput(network));
    const { line } = await shell.run('kubeconfig', 'look');
    const text = Buffer.from(String(line.result['kubeconfig']), 'base64').toString();
    await writeSecret(h.db, h.sealer, 'cluster/c', 'kubeconfig', new Secret(text));
    return new KubernetesFixture(zone, h, shell);
  }

  clients(answerMs?: number): KubernetesClients {
    return new KubernetesClients(this.h.db, this.h.sealer, answerMs);
  }

  async stop(): Promise<void> {
    this.shell.close();
    await Promise.all([this.zone.stop(), this.h.stop()]);
  }
}
