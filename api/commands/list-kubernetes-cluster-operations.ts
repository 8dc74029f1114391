import { listOperations } from '../../db/operations-list.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, PAGING, p } from '../params.js';
import { OPERATION, operationViews } from '../views/operation.js';

export const listKubernetesClusterOperations = command({
  name: 'listKubernetesClusterOperations',
  description: 'Lists operations on Kubernetes clusters with their steps, progress and estimate, newest first',
  roles: EVERYONE,
  kubernetes: true,
  isList: true,
  params: {
    kubernetesclusterid: p.uuid('cluster', { description: 'operations of this cluster' }),
    id: p.string({ description: 'the ID of one operation' }),
    state: p.string({ description: 'stored state: queued, running, undoing, succeeded, failed or cancelled' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: OPERATION,
  async handler(ctx, asked) {
    const { count, rows } = await listOperations(
      ctx.db,
      {
        owners: await ownersOf(ctx, asked, true),
        clusterId: asked.kubernetesclusterid,
        id: asked.id,
        state: asked.state,
      },
      await pageOf(ctx, asked),
    );
    return list(count, await operationViews(ctx.db, rows, ctx.temporalUi, ctx.now()));
  },
});
