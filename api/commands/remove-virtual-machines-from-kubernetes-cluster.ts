import { removeMembers } from '../../db/members.js';
import { command, EVERYONE, list, responseObject } from '../command.js';
import { externalCluster } from '../external-cluster.js';
import { p, PAGING } from '../params.js';

/** The list key repeats the outer key, as in the original. */
const REMOVED = responseObject('removevirtualmachinesfromkubernetesclusterresponse', {
  id: ['string', 'the ID of the machine'],
  success: ['boolean', 'whether it was taken out'],
  displaytext: ['string', 'why it was not'],
});

export const removeVirtualMachinesFromKubernetesCluster = command({
  name: 'removeVirtualMachinesFromKubernetesCluster',
  description: 'Takes machines out of an ExternalManaged Kubernetes cluster; the machines stay as they are',
  since: '4.19.0',
  roles: EVERYONE,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    virtualmachineids: p.uuids('machine', { description: 'the IDs of the machines', required: true }),
    ...PAGING,
  },
  response: REMOVED,
  async handler(ctx, asked) {
    const cluster = await externalCluster(ctx, asked.id);
    const removed = await removeMembers(ctx.db, cluster, asked.virtualmachineids);
    return list(
      removed.length,
      removed.map(({ id, problem }) => ({ id, success: problem === undefined, displaytext: problem })),
    );
  },
});
