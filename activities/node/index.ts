import { randomBytes } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { readDetails, writeDetail } from '../../db/clusters.js';
import { advanceNode, readNodeContext, readNodes, type NodeContext } from '../../db/nodes.js';
import type { NodePhase } from '../../db/rows.js';
import { readOperation } from '../../db/operations.js';
import { readSecret, Secret, writeSecret } from '../../db/secret.js';
import { fault } from '../../workflows/model/fault.js';
import { isFault } from '../is-fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import { DEFAULT_SETTINGS, type Settings } from '../../workflows/model/settings.js';
import type { Deps } from '../deps.js';
import { API_PORT } from '../gateway/index.js';
import { createJoinToken } from '../kubernetes/join-token.js';
import type { KeyPair } from '../store/index.js';
import { waitFor } from '../wait.js';
import { runCksNode, type Subcommand } from './cks-node.js';
import type { SshTarget } from './ssh.js';
import { SshPool } from './ssh-pool.js';

const POD_CIDR = '10.244.0.0/16';

/** A guest over SSH: kubeadm and what surrounds it, one named step at a time. */
export const nodeActivities = (deps: Deps) => {
  const { db, sealer, cksNode, pollMs } = deps;
  const pool = new SshPool();

  const open = async (clusterId: string, ref: NodeRef): Promise<NodeContext> => {
    const context = await readNodeContext(db, clusterId, ref);
    if (!context) throw fault('Internal', `${ref.role}-${ref.index} has no machine`);
    return context;
  };

  /** SSH goes to the network's public address at the port that is forwarded to the node. */
  const targetOf = async ({ cluster, vm, node, publicAddress }: NodeContext): Promise<SshTarget> => {
    const keys = await readSecret(db, sealer, `cluster/${cluster.uuid}`, 'ssh');
    const forward = await db('firewall_rules')
      .where({ vm_id: node.vm_id, purpose: 'PortForwarding' })
      .first<{ start_port: number } | undefined>();
    if (!keys || !publicAddress || !forward || !vm.ssh_host_key) {
      throw fault('Internal', `${vm.name} lacks its keys, its address or its forward`);
    }
    return {
      name: vm.name,
      host: publicAddress.public_ip_address,
      port: forward.start_port,
      hostKey: vm.ssh_host_key,
      privateKey: new Secret((JSON.parse(keys.reveal()) as KeyPair).private),
    };
  };

  const run = async (
    context: NodeContext,
    subcommand: Subcommand,
    key: string,
    values: () => Promise<Record<string, string>> | Record<string, string>,
  ): Promise<Record<string, unknown>> => {
    const signal = Context.current().cancellationSignal;
    return pool.use(await targetOf(context), signal, (session) =>
      runCksNode(session, signal, cksNode, context.vm.name, subcommand, `${subcommand}-${key}`, values),
    );
  };

  const advance = (context: NodeContext, phase: NodePhase, version?: string) =>
    advanceNode(db, context.node, phase, {}, version === undefined ? {} : { kubernetes_node_version: version });

  const endpointOf = ({ publicAddress }: NodeContext) => `${publicAddress?.public_ip_address}:${API_PORT}`;

  const caHashOf = async (clusterId: string): Promise<string> => {
    const hash = (await readDetails(db, clusterId)).get('caHash');
    if (!hash) throw fault('Internal', 'the hash of the cluster CA is not known yet');
    return hash;
  };

  /** How long a node looks for its medium: the settings that were in force when the attempt began. */
  const installPatience = async (operationId: string, role: NodeRef['role']) => {
    const operation = await readOperation(db, operationId);
    const settings = { ...DEFAULT_SETTINGS, ...(JSON.parse(operation?.settings ?? '{}') as Partial<Settings>) };
    return {
      attempts: String(settings[`cloud.kubernetes.${role}.node.install.reattempt.count`]),
      wait_seconds: String(settings[`cloud.kubernetes.${role}.node.install.attempt.wait.duration`]),
    };
  };

  const joinValues = async (context: NodeContext) => ({
    name: context.vm.name,
    address: context.vm.ip_address ?? '',
    endpoint: endpointOf(context),
    token: (await createJoinToken(deps, context.cluster.uuid)).reveal(),
    ca_hash: await caHashOf(context.cluster.uuid),
  });

  return {
    /** Leaves nothing changed; returns once the node answers on SSH with the host key that it was made with. */
    async waitReachable({ clusterId, ...ref }: StepRef, node: NodeRef): Promise<void> {
      const context = await open(clusterId, node);
      const seen = async (text: string) => {
        await db('operation_step')
          .where({ operation_id: ref.operationId, line: ref.line })
          .update({ note: text.slice(0, 2000) });
      };
      const target = await targetOf(context);
      const signal = Context.current().cancellationSignal;
      await waitFor(
        pollMs,
        () => pool.use(target, signal, async () => true),
        (error) => isFault(error, 'NodeUnreachable'),
        seen,
      );
      await advance(context, 'reachable');
    },

    async install(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await open(ref.clusterId, node);
      const version = context.version?.semantic_version ?? '';
      const { attempts, wait_seconds } = await installPatience(ref.operationId, node.role);
      await run(context, 'install', ref.operationId, () => ({ version, role: node.role, attempts, wait_seconds }));
      await advance(context, 'installed', version);
    },

    async init(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await open(ref.clusterId, node);
      const { vm, version } = context;
      await run(context, 'init', ref.operationId, () => ({
        version: version?.semantic_version ?? '',
        name: vm.name,
        address: vm.ip_address ?? '',
        endpoint: endpointOf(context),
        pod_cidr: POD_CIDR,
      }));
      await advance(context, 'joined');
    },

    /** Leaves the cluster's admin kubeconfig sealed, its server the public endpoint, and the hash of its CA known. */
    async storeKubeconfig(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await open(ref.clusterId, node);
      const { kubeconfig, ca_hash } = await run(context, 'kubeconfig', ref.operationId, () => ({}));
      const text = Buffer.from(String(kubeconfig), 'base64').toString('utf8');
      if (!text.includes('certificate-authority-data'))
        throw fault('NodeFailed', `${context.vm.name}: its admin.conf is not a kubeconfig`);
      const published = text.replace(/server: https:\/\/\S+/, `server: https://${endpointOf(context)}`);
      await writeDetail(db, ref.clusterId, 'caHash', String(ca_hash));
      await writeSecret(db, sealer, `cluster/${ref.clusterId}`, 'kubeconfig', new Secret(published));
    },

    /** Joins with a certificate key and a token that were made for this join: certificates are uploaded by a control node that has joined. */
    async joinControl(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await open(ref.clusterId, node);
      const certificateKey = new Secret(randomBytes(32).toString('hex'));
      const survivor = (await readNodes(db, ref.clusterId)).find(
        ({ control_node, phase }) => control_node === 1 && (phase === 'joined' || phase === 'ready'),
      );
      if (!survivor) throw fault('NodeFailed', `no control node has joined yet: ${context.vm.name} has nobody to join`);
      const values = async () => {
        const from = await open(ref.clusterId, { role: 'control', index: survivor.role_index });
        await run(from, 'share', `${node.index}-${randomBytes(8).toString('hex')}`, () => ({
          certificate_key: certificateKey.reveal(),
        }));
        return { ...(await joinValues(context)), role: 'control', certificate_key: certificateKey.reveal() };
      };
      await run(context, 'join', ref.operationId, values);
      await advance(context, 'joined');
    },

    async joinWorker(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await open(ref.clusterId, node);
      await run(context, 'join', ref.operationId, async () => ({ ...(await joinValues(context)), role: 'worker' }));
      await advance(context, 'joined');
    },
  };
};
