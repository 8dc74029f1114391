import { PatchStrategy, setHeaderOptions, type V1Node } from '@kubernetes/client-node';
import { mustReadCluster, readDetails, writeDetail } from '../../db/clusters.js';
import { advanceNode, mustReadNode, readNodes } from '../../db/nodes.js';
import { readAttemptSettings, readOperation } from '../../db/operations.js';
import { ensureServiceUser } from '../../db/service-identity.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import { endpointOf } from '../endpoint.js';
import { noteHealth } from '../component-health.js';
import { isFault } from '../is-fault.js';
import { waitFor } from '../wait.js';
import { ask } from './ask.js';
import { deleteNodeObject } from './delete-node.js';
import { countReady, missing, type Baseline } from './baseline.js';
import { applyCloudSecret } from './cloud-secret.js';
import { applyMetadataPolicy, whyNotEnforced } from './metadata-policy.js';
import { drainNode, setSchedulable } from './drain.js';

const NO_SCALE_DOWN = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

/** A cluster's API server, asked over TLS with the cluster's CA. */
export const kubernetesActivities = ({ db, sealer, kubernetes, pollMs }: Deps) => {
  /** Undefined when the node was released already. */
  const findNode = async ({ clusterId }: StepRef, { role, index }: NodeRef) =>
    (await readNodes(db, clusterId)).find((node) => node.role === role && node.role_index === index);

  const noteOn =
    ({ operationId, line }: StepRef) =>
    async (text: string) => {
      await db('operation_step')
        .where({ operation_id: operationId, line })
        .update({ note: text.slice(0, 2000) });
    };

  return {
    /** Leaves the endpoint recorded once the API server answers through the balancer. */
    async waitApi(ref: StepRef): Promise<void> {
      const api = await kubernetes.open(ref.clusterId);
      await waitFor(
        pollMs,
        async () => {
          await ask('look for the API server', () => api.listNamespace({ limit: 1 }));
          return true;
        },
        (error) => isFault(error, 'KubernetesUnreachable'),
        noteOn(ref),
      );
      const cluster = await mustReadCluster(db, ref.clusterId);
      await db('kubernetes_cluster')
        .where({ uuid: ref.clusterId })
        .update({ endpoint: `https://${await endpointOf(db, cluster)}/` });
    },

    /** Returns once the node, found by its name, is Ready. */
    async waitReady(ref: StepRef, wanted: NodeRef): Promise<void> {
      const node = await mustReadNode(db, ref.clusterId, wanted);
      const found = await waitFor(
        pollMs,
        async () => {
          const object = (await kubernetes.nodes(ref.clusterId, pollMs / 2)).get(node.name);
          const problem = notReady(node.name, object);
          if (problem) throw fault('KubernetesUnreachable', problem);
          return object;
        },
        (error) => isFault(error, 'KubernetesUnreachable'),
        noteOn(ref),
      );
      await advanceNode(db, node, 'ready', {}, { kubernetes_node_version: versionOf(found) });
    },

    /** Leaves the node without pods that an eviction can move, and not to be scheduled on. */
    async drain(ref: StepRef, wanted: NodeRef): Promise<void> {
      const node = await findNode(ref, wanted);
      if (node) await drainNode(await kubernetes.open(ref.clusterId), node.name, pollMs, noteOn(ref));
    },

    /** Takes a node that was to be drained, or upgraded, into service again, with the version that it came to. */
    async uncordon(ref: StepRef, wanted: NodeRef): Promise<void> {
      const node = await findNode(ref, wanted);
      if (!node) return;
      await setSchedulable(await kubernetes.open(ref.clusterId), node.name, true);
      const found = (await kubernetes.nodes(ref.clusterId, 0)).get(node.name);
      if (found)
        await db('kubernetes_cluster_vm_map')
          .where({ vm_id: node.vm_id })
          .update({ kubernetes_node_version: versionOf(found) });
    },

    /** Leaves the cluster without the Node object. */
    async deleteNode(ref: StepRef, wanted: NodeRef): Promise<void> {
      const node = await findNode(ref, wanted);
      if (!node) return;
      await deleteNodeObject(await kubernetes.open(ref.clusterId), node.name);
    },

    /** Returns once the node is Ready with a kubelet of the version, and leaves it to be scheduled on (`behaviour.md` §7.3 16). */
    async returnToService(ref: StepRef, wanted: NodeRef, version: string): Promise<void> {
      const node = await mustReadNode(db, ref.clusterId, wanted);
      await waitFor(
        pollMs,
        async () => {
          const found = (await kubernetes.nodes(ref.clusterId, pollMs / 2)).get(node.name);
          const problem = notReady(node.name, found);
          if (problem) throw fault('KubernetesUnreachable', problem);
          if (versionOf(found!) !== version)
            throw fault('KubernetesUnreachable', `node ${node.name} runs ${versionOf(found!)}, not ${version}`);
          return true;
        },
        (error) => isFault(error, 'KubernetesUnreachable'),
        noteOn(ref),
      );
      await setSchedulable(await kubernetes.open(ref.clusterId), node.name, true);
      await db('kubernetes_cluster_vm_map')
        .where({ vm_id: node.vm_id })
        .update({ kubernetes_node_version: version, staged_version: null });
    },

    /** Keeps how many pods of each workload are ready, for `waitBaseline`. A further attempt keeps the first count. */
    async recordBaseline({ clusterId, operationId }: StepRef): Promise<void> {
      const operation = await readOperation(db, operationId);
      const counts = await countReady(await kubernetes.open(clusterId));
      await db('kubernetes_cluster_details')
        .insert({
          cluster_id: clusterId,
          name: `baseline.${operation?.root_id}`,
          value: JSON.stringify(counts),
          display: 0,
        })
        .onConflict(['cluster_id', 'name'])
        .ignore();
    },

    /** Returns once every workload has as many ready pods as were counted, or as its owner wants by now. */
    async waitBaseline(ref: StepRef): Promise<void> {
      const operation = await readOperation(db, ref.operationId);
      const kept = (await readDetails(db, ref.clusterId)).get(`baseline.${operation?.root_id}`);
      const before = JSON.parse(kept ?? '{}') as Baseline;
      await waitFor(
        pollMs,
        async () => {
          const now = await countReady(await kubernetes.open(ref.clusterId));
          const lost = await missing(before, now, () => kubernetes.apps(ref.clusterId));
          if (lost.length > 0) throw fault('WorkloadLost', `not as ready as before: ${lost.slice(0, 10).join('; ')}`);
          return true;
        },
        (error) => isFault(error, 'WorkloadLost') || isFault(error, 'KubernetesUnreachable'),
        noteOn(ref),
      );
    },

    /** Leaves the secret `kube-system/cloudstack-secret` with an API key that may do what the cluster needs, and no more (`behaviour.md` §4.6). */
    async ensureCloudSecret(ref: StepRef): Promise<void> {
      const cluster = await mustReadCluster(db, ref.clusterId);
      const identity = await ensureServiceUser(db, sealer, cluster);
      await noteHealth(db, ref.clusterId, 'cloud-secret', async () => {
        const settings = await readAttemptSettings(db, ref.operationId);
        await applyCloudSecret(await kubernetes.open(ref.clusterId), identity, settings['endpoint.url']);
        return 'applied';
      });
    },

    /** Leaves the namespaces that the attempt's settings name with a policy against metadata servers. Its health tells whether that is of use. */
    async ensureMetadataPolicy(ref: StepRef): Promise<void> {
      await noteHealth(db, ref.clusterId, 'metadata-policy', async () => {
        const settings = await readAttemptSettings(db, ref.operationId);
        const namespaces = settings['cks.metadata.policy.namespaces'].split(/, */);
        await applyMetadataPolicy(await kubernetes.networking(ref.clusterId), namespaces);
        return (await whyNotEnforced(await kubernetes.apps(ref.clusterId))) ?? 'applied';
      });
    },

    /** Leaves every control node annotated so that the cluster-autoscaler never removes it. */
    async protectControlNodes({ clusterId }: StepRef): Promise<void> {
      const api = await kubernetes.open(clusterId);
      const controls = (await readNodes(db, clusterId)).filter(({ control_node }) => control_node === 1);
      for (const { name } of controls) {
        await ask(`annotate node ${name}`, () =>
          api.patchNode(
            { name, body: { metadata: { annotations: { [NO_SCALE_DOWN]: 'true' } } } },
            setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
          ),
        );
      }
      await writeDetail(db, clusterId, 'controlNodesProtected', 'true');
    },
  };
};

/** Why a node is not Ready; undefined when it is. */
function notReady(name: string, object: V1Node | undefined): string | undefined {
  if (!object) return `node ${name} has not registered yet`;
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? undefined : `node ${name} is not Ready: ${ready?.message ?? 'no condition yet'}`;
}

const versionOf = (node: V1Node): string => node.status?.nodeInfo?.kubeletVersion.replace(/^v/, '') ?? '';
