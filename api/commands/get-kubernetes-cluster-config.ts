import { readCluster } from '../../db/clusters.js';
import { readSecret } from '../../db/secret.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, object, responseObject } from '../command.js';
import { assertAccess } from '../ownership.js';
import { p } from '../params.js';

const CLUSTER_CONFIG = responseObject('clusterconfig', {
  id: ['string', 'the id of the Kubernetes cluster'],
  name: ['string', 'Name of the Kubernetes cluster'],
  configdata: ['string', 'the config data of the cluster'],
});

export const getKubernetesClusterConfig = command({
  name: 'getKubernetesClusterConfig',
  description: 'Get Kubernetes cluster config',
  roles: EVERYONE,
  kubernetes: true,
  params: { id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster' }) },
  response: CLUSTER_CONFIG,
  async handler(ctx, { id }) {
    const cluster = id === undefined ? undefined : await readCluster(ctx.db, id);
    if (!cluster || cluster.removed !== null) throw fault('BadParameter', 'Invalid Kubernetes cluster ID specified');
    await assertAccess(ctx, cluster.account_id);
    const config = await readSecret(ctx.db, ctx.sealer, `cluster/${cluster.uuid}`, 'kubeconfig');
    if (!config) {
      const starting = cluster.state === 'Starting';
      throw fault(
        'Refused',
        starting
          ? `Setup is in progress for Kubernetes cluster : ${cluster.name}, config not available at this moment`
          : `Config not found for Kubernetes cluster : ${cluster.name}`,
      );
    }
    return object({ id: cluster.uuid, name: cluster.name, configdata: config.reveal() });
  },
});
