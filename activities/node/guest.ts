import { Context } from '@temporalio/activity';
import { readDetails } from '../../db/clusters.js';
import { advanceNode, readNodeContext, readNodes, type NodeContext } from '../../db/nodes.js';
import { readAttemptSettings } from '../../db/operations.js';
import type { NodePhase } from '../../db/rows.js';
import { readSecret, Secret } from '../../db/secret.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Settings } from '../../workflows/model/settings.js';
import type { Deps } from '../deps.js';
import { endpointOf } from '../endpoint.js';
import { isFault } from '../is-fault.js';
import { createJoinToken } from '../kubernetes/join-token.js';
import type { KeyPair } from '../store/index.js';
import { runCksNode, type Subcommand } from './cks-node.js';
import type { SshTarget } from './ssh.js';
import { SshPool } from './ssh-pool.js';

export type Values = Record<string, string>;

/** A node as activities reach it: over SSH with the cluster's key, verified with the host key that the machine was made with. */
export class Guests {
  readonly #pool = new SshPool();
  constructor(readonly deps: Deps) {}

  async open(clusterId: string, ref: NodeRef): Promise<NodeContext> {
    const context = await readNodeContext(this.deps.db, clusterId, ref);
    if (!context) throw fault('Internal', `${ref.role}-${ref.index} has no machine`);
    return context;
  }

  /** SSH goes to the public address and port that are forwarded to the node; on a shared network to the node itself. */
  async target({ cluster, vm, node, network }: NodeContext): Promise<SshTarget> {
    const { db, sealer } = this.deps;
    // A user's machine was made before the cluster: it knows the key that the service shows to its owner.
    const owner = node.external_node === 1 ? `account/${vm.account_id}` : `cluster/${cluster.uuid}`;
    const keys = await readSecret(db, sealer, owner, 'ssh');
    if (!keys && node.external_node === 1)
      throw fault('Refused', `${vm.name} cannot know the key of this service: put the line that getServiceSshKey shows into authorized_keys of its user cloud`); // prettier-ignore
    if (!keys || !vm.ssh_host_key) throw fault('Internal', `${vm.name} lacks its keys`);
    const login = {
      name: vm.name,
      hostKey: vm.ssh_host_key,
      privateKey: new Secret((JSON.parse(keys.reveal()) as KeyPair).private),
    };
    if (network.guest_type === 'Shared') return { ...login, host: vm.ip_address ?? '', port: 22 };
    const forward = await db('firewall_rules as r')
      .join('user_ip_address as i', 'i.uuid', 'r.ip_address_id')
      .where({ 'r.vm_id': node.vm_id, 'r.purpose': 'PortForwarding', 'r.private_port': 22, 'r.user_made': 0 })
      .first<{ start_port: number; host: string } | undefined>('r.start_port', 'i.public_ip_address as host');
    if (!forward) throw fault('Internal', `${vm.name} lacks its forward`);
    return { ...login, host: forward.host, port: forward.start_port };
  }

  /** Connects to the node anew. */
  async reach(context: NodeContext): Promise<true> {
    await this.#pool.renew(await this.target(context), Context.current().cancellationSignal);
    return true;
  }

  /** Runs one subcommand of `cks-node` on the node; `key` names the run, so that a retry attaches to it. */
  async run(
    context: NodeContext,
    subcommand: Subcommand,
    key: string,
    values: () => Promise<Values> | Values,
  ): Promise<Record<string, unknown>> {
    const signal = Context.current().cancellationSignal;
    return this.#pool.use(await this.target(context), signal, (session) =>
      runCksNode(session, signal, this.deps.cksNode, context.vm.name, subcommand, `${subcommand}-${key}`, values),
    );
  }

  /** A run whose key is the step's: each line of each operation has runs of its own. */
  runStep(
    ref: StepRef,
    context: NodeContext,
    subcommand: Subcommand,
    values: () => Promise<Values> | Values = () => ({}),
  ): Promise<Record<string, unknown>> {
    return this.run(context, subcommand, `${ref.operationId}-${ref.line}${ref.undo ? '-undo' : ''}`, values);
  }

  advance(context: NodeContext, phase: NodePhase, version?: string): Promise<void> {
    const map = version === undefined ? {} : { kubernetes_node_version: version };
    return advanceNode(this.deps.db, context.node, phase, {}, map);
  }

  /** A control node that can act for the cluster: joined, switched on, and not the one that is meant to leave. */
  async survivor(clusterId: string, leaving?: NodeRef): Promise<NodeContext> {
    const nodes = await readNodes(this.deps.db, clusterId);
    const found = nodes.find(
      ({ role, role_index, phase, state, host_status }) =>
        role === 'control' && role_index !== leaving?.index && state === 'Running' && host_status !== 'Down' && (phase === 'joined' || phase === 'ready'),
    ); // prettier-ignore
    if (!found) throw fault('NodeFailed', 'no other control node of the cluster is in it and switched on');
    return this.open(clusterId, { role: 'control', index: found.role_index });
  }

  settings = (operationId: string): Promise<Settings> => readAttemptSettings(this.deps.db, operationId);

  async joinValues(context: NodeContext): Promise<Values> {
    const { db } = this.deps;
    const caHash = (await readDetails(db, context.cluster.uuid)).get('caHash');
    if (!caHash) throw fault('Internal', 'the hash of the cluster CA is not known yet');
    return {
      name: context.vm.name,
      address: context.vm.ip_address ?? '',
      endpoint: await endpointOf(db, context.cluster),
      token: (await createJoinToken(this.deps, context.cluster.uuid)).reveal(),
      ca_hash: caHash,
    };
  }

  /** Writes what a wait last saw to its line. */
  seen =
    ({ operationId, line }: StepRef) =>
    async (text: string): Promise<void> => {
      await this.deps
        .db('operation_step')
        .where({ operation_id: operationId, line })
        .update({ note: text.slice(0, 2000) });
    };
}

export const isUnreachable = (error: unknown): boolean => isFault(error, 'NodeUnreachable');
