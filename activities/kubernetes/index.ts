import { PatchStrategy, setHeaderOptions, type V1Node } from '@kubernetes/client-node';
import { writeDetail } from '../../db/clusters.js';
import { advanceNode, readNodes } from '../../db/nodes.js';
import type { PublicAddressRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import { API_PORT } from '../gateway/index.js';
import { isFault } from '../is-fault.js';
import { waitFor } from '../wait.js';
import { ask } from './ask.js';

const NO_SCALE_DOWN = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

/** A cluster's API server, asked over TLS with the cluster's CA. */
export const kubernetesActivities = ({ db, kubernetes, pollMs }: Deps) => {
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
      const cluster = await db('kubernetes_cluster').where({ uuid: ref.clusterId }).first<{ network_id: string }>();
      const address = await db<PublicAddressRow>('user_ip_address')
        .where({ network_id: cluster.network_id, source_nat: 1 })
        .first();
      await db('kubernetes_cluster')
        .where({ uuid: ref.clusterId })
        .update({ endpoint: `https://${address?.public_ip_address}:${API_PORT}/` });
    },

    /** Returns once the node, found by its name, is Ready. */
    async waitReady(ref: StepRef, { role, index }: NodeRef): Promise<void> {
      const node = (await readNodes(db, ref.clusterId)).find((each) => each.role === role && each.role_index === index);
      if (!node) throw fault('Internal', `${role}-${index} has no machine`);
      const found = await waitFor(
        pollMs,
        async () => {
          const object = (await kubernetes.nodes(ref.clusterId, pollMs / 2)).get(node.name);
          if (!object) throw fault('KubernetesUnreachable', `node ${node.name} has not registered yet`);
          const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
          if (ready?.status !== 'True')
            throw fault(
              'KubernetesUnreachable',
              `node ${node.name} is not Ready: ${ready?.message ?? 'no condition yet'}`,
            );
          return object;
        },
        (error) => isFault(error, 'KubernetesUnreachable'),
        noteOn(ref),
      );
      await advanceNode(db, node, 'ready', {}, { kubernetes_node_version: versionOf(found) });
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

const versionOf = (node: V1Node): string => node.status?.nodeInfo?.kubeletVersion.replace(/^v/, '') ?? '';
