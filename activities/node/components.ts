import { COMPONENT, mustReadCluster, writeDetail } from '../../db/clusters.js';
import { cniScript } from '../../workflows/model/cni-script.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import { noteHealth } from '../component-health.js';
import type { Guests, Values } from './guest.js';

/** What runs in a cluster besides its nodes, from the manifests of its version's medium. */
export const componentActivities = (guests: Guests) => {
  const { db } = guests.deps;

  /** Its health is a detail of the cluster: `applied`, `absent` (the medium has none), or why it is not there. */
  const apply = async (ref: StepRef, node: NodeRef, name: string, values: Values): Promise<void> => {
    const context = await guests.open(ref.clusterId, node);
    await noteHealth(db, ref.clusterId, name, async () => {
      const { state } = await guests.runStep(ref, context, 'component', () => ({ name, action: 'apply', ...values }));
      return String(state);
    });
  };

  const service = async ({ operationId }: StepRef): Promise<Values> => ({
    api_url: (await guests.settings(operationId))['endpoint.url'],
  });

  /** Leaves the cluster-autoscaler running between two sizes; it finds its cluster through this service's API. */
  const applyAutoscaler = async (ref: StepRef, node: NodeRef, min: number, max: number): Promise<void> =>
    apply(ref, node, 'autoscaler', {
      cluster_id: ref.clusterId,
      min: String(min),
      max: String(max),
      ...(!ref.undo && (await service(ref))),
    });

  const removeAutoscaler = async (ref: StepRef, node: NodeRef): Promise<void> => {
    const context = await guests.open(ref.clusterId, node);
    await guests.runStep(ref, context, 'component', () => ({ name: 'autoscaler', action: 'remove' }));
    await writeDetail(db, ref.clusterId, `${COMPONENT}autoscaler`, 'removed');
  };

  return {
    /** What asks this service for volumes and balancers has to reach it: a node tells whether it does (report 24). */
    applyComponent: async (ref: StepRef, node: NodeRef, name: 'dashboard' | 'provider' | 'csi'): Promise<void> =>
      apply(ref, node, name, name === 'dashboard' ? {} : await service(ref)),

    applyAutoscaler,
    removeAutoscaler,

    /** Leaves the cluster-autoscaler as the cluster's row has it. */
    async settleAutoscaler(ref: StepRef, node: NodeRef): Promise<void> {
      const { autoscaling_enabled: isOn, minsize, maxsize } = await mustReadCluster(db, ref.clusterId);
      await (isOn === 1 ? applyAutoscaler(ref, node, minsize ?? 0, maxsize ?? 0) : removeAutoscaler(ref, node));
    },

    /** Leaves the user's CNI configuration applied, its variables filled, by one run on a control node. */
    async applyCni(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const { cluster } = context;
      const row = await db('user_data')
        .where({ uuid: cluster.cni_config_id ?? '' })
        .first<{ name: string; data: string } | undefined>();
      if (!row) throw fault('Internal', `the CNI configuration of cluster ${cluster.name} was removed`);
      const values = JSON.parse(cluster.cni_config_details ?? '{}') as Values;
      const script = cniScript(row.data, values);
      await guests.runStep(ref, context, 'cni', () => ({ script }));
      await writeDetail(db, ref.clusterId, `${COMPONENT}cni`, 'applied');
    },
  };
};
