import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { DomainSpec } from '../../activities/hypervisor/driver.js';
import {
  CERTIFICATE_KEY,
  type Line,
  type Machine,
  Shell,
  type TestNetwork,
  type ZoneFixture,
  aMachine,
  aNetwork,
  installInput,
} from '../activities/zone-fixture.js';

export const TOKEN = { id: 'abcdef', secret: '0123456789abcdef' };

/** A booted control node and workers behind an applied network. */
export async function nodes(
  zone: ZoneFixture,
  count = 1,
  controls = 1,
  worker: Partial<DomainSpec> = {},
): Promise<{ network: TestNetwork; machines: Machine[] }> {
  const addresses = Array.from({ length: count }, (_, i) => `10.1.1.${10 + i}`);
  const network = aNetwork(addresses, addresses.slice(0, controls));
  const machines = addresses.map((ipAddress, i) =>
    aMachine({
      ...(i >= controls && worker),
      ipAddress,
      networkId: network.networkId,
      hostName: i < controls ? `demo-control-${i + 1}` : `demo-worker-${i}`,
    }),
  );
  await zone.gateway().apply(network);
  await Promise.all(machines.map((one) => zone.boot(one)));
  return { network, machines };
}

export const initInput = (network: TestNetwork) => ({
  version: '1.34.2',
  name: 'demo-control-1',
  address: '10.1.1.10',
  endpoint: `${network.publicAddress}:6443`,
  pod_cidr: '10.244.0.0/16',
});

export async function api(shell: Shell): Promise<CoreV1Api> {
  const { line } = await shell.run('kubeconfig', 'look');
  const config = new KubeConfig();
  config.loadFromString(Buffer.from(line.result['kubeconfig'] ?? '', 'base64').toString());
  return config.makeApiClient(CoreV1Api);
}

export async function addToken(core: CoreV1Api): Promise<void> {
  await core.createNamespacedSecret({
    namespace: 'kube-system',
    body: {
      metadata: { name: `bootstrap-token-${TOKEN.id}` },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': TOKEN.id,
        'token-secret': TOKEN.secret,
        expiration: new Date(Date.now() + 3600_000).toISOString(),
        'usage-bootstrap-authentication': 'true',
        'usage-bootstrap-signing': 'true',
      },
    },
  });
}

export const readiness = async (core: CoreV1Api): Promise<Record<string, string>> => {
  const { items } = await core.listNode();
  return Object.fromEntries(
    items.map(({ metadata, status }) => [
      metadata?.name ?? '',
      status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? '',
    ]),
  );
};

export async function until<T>(look: () => Promise<T>, expected: T): Promise<void> {
  for (let left = 150; left > 0; left--) {
    if (JSON.stringify(await look().catch(String)) === JSON.stringify(expected)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await look()).toEqual(expected);
}

export const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A cluster that was made as the service makes it, with a shell to each of its machines. */
export class SimulatedCluster {
  private runs = 0;

  private constructor(
    readonly zone: ZoneFixture,
    readonly network: TestNetwork,
    readonly machines: Machine[],
    readonly shells: Shell[],
  ) {}

  static async boot(zone: ZoneFixture, count: number, controls = 1, worker = {}): Promise<SimulatedCluster> {
    const { network, machines } = await nodes(zone, count, controls, worker);
    const shells = await Promise.all(machines.map((_, i) => Shell.wait(network.publicAddress, 2222 + i)));
    await Promise.all(shells.map((shell) => shell.upload()));
    return new SimulatedCluster(zone, network, machines, shells);
  }

  static async make(zone: ZoneFixture, controls: number, workers: number, worker = {}): Promise<SimulatedCluster> {
    const cluster = await SimulatedCluster.boot(zone, controls + workers, controls, worker);
    await Promise.all(cluster.shells.map((_, i) => cluster.done(i, 'install', installInput())));
    await cluster.done(0, 'init', initInput(cluster.network));
    await addToken(await cluster.core());
    for (let i = 1; i < controls; i++) {
      await cluster.done(0, 'share', { certificate_key: CERTIFICATE_KEY });
      await cluster.done(i, 'join', { ...(await cluster.joinInput(i, 'control')), certificate_key: CERTIFICATE_KEY });
    }
    await Promise.all(
      cluster.shells.slice(controls).map(async (_, at) => {
        const i = at + controls;
        await cluster.done(i, 'join', await cluster.joinInput(i, 'worker'));
      }),
    );
    const core = await cluster.core();
    const names = cluster.machines.map(({ spec }) => spec.hostName).sort();
    await until(() => readiness(core), Object.fromEntries(names.map((name) => [name, 'True'])));
    return cluster;
  }

  spec(index: number): DomainSpec {
    const machine = this.machines[index];
    if (!machine) throw new Error(`no machine ${index}`);
    return machine.spec;
  }

  async run(index: number, subcommand: string, values: Record<string, string> = {}): Promise<Line> {
    const told = await this.shells[index]?.run(subcommand, `run-${++this.runs}`, values);
    if (!told || told.code === 2) throw new Error(told?.stderr);
    return told.line;
  }

  /** The result of a run that has to end well. */
  async done(index: number, subcommand: string, values: Record<string, string> = {}): Promise<Record<string, unknown>> {
    const { state, error, result } = await this.run(index, subcommand, values);
    if (state !== 'done') throw new Error(`${subcommand} on machine ${index}: ${error}`);
    return result;
  }

  core(index = 0): Promise<CoreV1Api> {
    const shell = this.shells[index];
    if (!shell) throw new Error(`no machine ${index}`);
    return api(shell);
  }

  async reopen(index: number): Promise<void> {
    this.shells[index]?.close();
    this.shells[index] = await Shell.wait(this.network.publicAddress, 2222 + index);
  }

  close(): void {
    for (const shell of this.shells) shell.close();
  }

  async joinInput(index: number, role: 'control' | 'worker'): Promise<Record<string, string>> {
    const { hostName, ipAddress } = this.spec(index);
    const { ca_hash } = await this.done(0, 'kubeconfig');
    const token = `${TOKEN.id}.${TOKEN.secret}`;
    const endpoint = `${this.network.publicAddress}:6443`;
    return { role, name: hostName, address: ipAddress, endpoint, token, ca_hash: String(ca_hash) };
  }
}
