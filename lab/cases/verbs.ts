import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { LabCluster } from '../cluster.js';
import { KEY_PAIR, NodeCalls, putMedium, registerKeyPair, type Machine } from '../node-calls.js';
import { FIRST, NEXT } from '../versions.js';
import { proveOnBareMachine } from './bare-machine.js';
import type { LabCase } from './case.js';

export const everyVerb: LabCase = {
  name: 'every verb of cks-node by hand over SSH, on both minors: a second run changes nothing, one whose connection is cut is found again',
  features: ['cks-node install', 'cks-node init', 'cks-node join', 'cks-node reset', 'cks-node upgrade', 'cks-node etcd save', 'cks-node etcd install', 'cks-node prestage', 'cks-node renew', 'cks-node status', 'cks-node evidence'],
  next: true,
  async run(world, say) {
    await registerKeyPair(world);
    const cluster = await LabCluster.create(world, { name: 'verbs', version: FIRST.kubernetes, more: { keypair: KEY_PAIR } });
    const calls = new NodeCalls(cluster);
    const machine = (role: string) => cluster.machines().find((one) => one.role === role)!;
    const [control, worker] = [machine('control'), machine('worker')];
    const both = [control, worker];
    const verbs = new Verbs(cluster, calls, control);

    for (const one of both) say(`${one.name}: ${await calls.unchanged(one, 'asking for all runs again', () => calls.findAll(one))} runs of the create were found again`);
    await proveOnBareMachine(verbs, FIRST.kubernetes);
    await verbs.leaveAlone(FIRST.kubernetes, worker);
    await verbs.leaveAndJoin(worker);
    say(`every verb ran on ${FIRST.kubernetes}`);

    for (const one of both) {
      putMedium(world, one, NEXT.kubernetes);
      await calls.cut(one, 'prestage', 'by-hand-prestage', { version: NEXT.kubernetes, attempts: '1' });
      await calls.unchanged(one, 'prestage again', () => calls.call(one, 'prestage', 'by-hand-prestage-2', { version: NEXT.kubernetes, attempts: '1' }));
    }
    for (const [one, mode] of [[control, 'first'], [worker, 'worker']] as const) {
      await calls.cut(one, 'upgrade', 'by-hand-upgrade', { version: NEXT.kubernetes, mode });
      assert.equal(cluster.kubeadmBegins(one).upgrade, 1, `kubeadm upgrade on ${one.name}`);
      await calls.unchanged(one, 'upgrade again', () => calls.call(one, 'upgrade', 'by-hand-upgrade-2', { version: NEXT.kubernetes, mode }));
    }
    await verbs.leaveAlone(NEXT.kubernetes, worker);
    await verbs.leaveAndJoin(worker);
    await proveOnBareMachine(verbs, NEXT.kubernetes);
    await verbs.beginAnew(NEXT.kubernetes);
    say(`every verb ran on ${NEXT.kubernetes}`);
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}; // prettier-ignore

export class Verbs {
  private count = 0;
  constructor(
    readonly cluster: LabCluster,
    readonly calls: NodeCalls,
    readonly control: Machine,
  ) {}

  /** All that finds its work done, and all that only looks: nothing on the machine changes. */
  async leaveAlone(version: string, worker: Machine): Promise<void> {
    const { calls, control } = this;
    for (const one of [control, worker])
      await calls.unchanged(one, `verbs that have nothing to do at ${version}`, async () => {
        const run = (subcommand: string, values: Record<string, string> = {}) => calls.call(one, subcommand, this.key(subcommand), values);
        await run('install', { version, role: one.role });
        await run('prestage', { version });
        await run('upgrade', { version, mode: one === control ? 'first' : 'worker' });
        assert.deepEqual((await run('renew', { within_days: '0' })).result['renewed'], 'no');
        if (one === control) {
          await run('init', this.initValues(version));
          const { result } = await run('etcd', { action: 'health' });
          assert.deepEqual(result, { members: [{ name: control.name, healthy: true }], quorum: true });
        } else await run('join', await this.joinValues(one));
        const { result } = await run('evidence');
        assert.match(String(result['units']), /kubelet\.service +loaded +active/);
        assert.match(String(result['images']), new RegExp(`kube-proxy:v${version}`));
        await assert.rejects(run('status'), /"state":"absent"/);
      });

    const save = this.key('etcd-save');
    const saved = await calls.call(control, 'etcd', save, { action: 'save' });
    assert(Number(saved.result['bytes']) > 100_000, 'the snapshot of etcd holds something');
    const again = await calls.unchanged(control, 'etcd save again', () => calls.call(control, 'etcd', save));
    assert.deepEqual(again, saved);
    assert.deepEqual(await calls.call(control, 'status', save), saved);

    // All of kubeadm's certificates end before that, so they are renewed; a run of the same key is that one.
    const renew = this.key('renew');
    const renewed = await calls.cut(control, 'renew', renew, { within_days: '366' });
    assert.equal(renewed.result['renewed'], 'yes');
    await this.cluster.world.until('the API answers', () => this.cluster.nodes().then(() => true, (error: Error) => error.message), 120, 1000);
    await this.cluster.kubectl('wait', '--for=condition=Ready', `node/${control.name}`, '--timeout=60s');
    assert.deepEqual(await calls.unchanged(control, 'renew again', () => calls.call(control, 'renew', renew)), renewed);
  } // prettier-ignore

  /** A worker is reset, twice, and joins again: its connection is cut, and kubeadm begins once. */
  async leaveAndJoin(worker: Machine): Promise<void> {
    const { calls, cluster } = this;
    await calls.cut(worker, 'reset', this.key('reset'));
    await calls.unchanged(worker, 'reset again', () => calls.call(worker, 'reset', this.key('reset')));
    await cluster.kubectl('delete', 'node', worker.name);
    const before = cluster.kubeadmBegins(worker).join;
    await calls.cut(worker, 'join', this.key('join'), await this.joinValues(worker));
    assert.equal(cluster.kubeadmBegins(worker).join, before + 1, `kubeadm join on ${worker.name}`);
    await cluster.kubectl('wait', '--for=condition=Ready', `node/${worker.name}`, '--timeout=180s');
  }

  /** The only control node is reset and makes another cluster: its connection is cut, and kubeadm begins once. */
  async beginAnew(version: string): Promise<void> {
    const { calls, cluster, control } = this;
    await calls.cut(control, 'reset', this.key('reset'));
    await calls.unchanged(control, 'reset again', () => calls.call(control, 'reset', this.key('reset')));
    const before = cluster.kubeadmBegins(control).init;
    // The balancer knows the authority of the cluster that was, so the new one is asked without it.
    const values = { ...this.initValues(version), endpoint: `${control.ip_address}:6443` };
    const made = await calls.cut(control, 'init', this.key('init'), values);
    assert.match(String(made.result['ca_hash']), /^sha256:/);
    assert.equal(cluster.kubeadmBegins(control).init, before + 1, `kubeadm init on ${control.name}`);
    // The network writes its configuration on the node once its pod runs.
    await cluster.inNode(control, 'kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf', 'wait', '--for=condition=Ready', `node/${control.name}`, '--timeout=180s');
    await calls.unchanged(control, 'init again', () => calls.call(control, 'init', this.key('init'), values));
  } // prettier-ignore

  key = (subcommand: string): string => `by-hand-${subcommand}-${++this.count}`;

  private endpoint(): string {
    return /server: https:\/\/(\S+)/.exec(readFileSync(this.cluster.kubeconfig, 'utf8'))![1]!;
  }
  private initValues(version: string): Record<string, string> {
    const { name, ip_address: address } = this.control;
    return { version, name, address, endpoint: this.endpoint(), pod_cidr: '10.244.0.0/16' };
  }
  async joinValues({ name, ip_address: address }: Machine): Promise<Record<string, string>> {
    const { result } = await this.calls.call(this.control, 'kubeconfig', this.key('kubeconfig'));
    const token = (await this.cluster.inNode(this.control, 'kubeadm', 'token', 'create', '--kubeconfig', '/etc/kubernetes/admin.conf')).trim();
    return { role: 'worker', name, address, endpoint: this.endpoint(), token, ca_hash: String(result['ca_hash']) };
  } // prettier-ignore
}
