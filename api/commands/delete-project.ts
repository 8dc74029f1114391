import { finishedJob } from '../../db/finished-job.js';
import { deleteProject as removeProject } from '../../db/projects.js';
import { command, EVERYONE, job } from '../command.js';
import { failedJob } from '../failed-job.js';
import { accessibleProject } from '../ownership.js';
import { p } from '../params.js';
import { actorOf, assertProjectAdmin } from '../project-rights.js';

export const deleteProject = command({
  name: 'deleteProject',
  description: 'Deletes a project that owns no cluster, machine or network any more',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('project', { description: 'id of the project to be deleted', required: true }),
    cleanup: p.boolean({ description: 'accepted and without effect: delete what the project owns first' }),
  },
  response: 'success',
  async handler(ctx, { id }) {
    const project = await accessibleProject(ctx, id);
    await assertProjectAdmin(ctx, project);
    const refusal = await removeProject(ctx.db, project, actorOf(ctx));
    if (refusal !== undefined) return job(await failedJob(ctx, refusal, 'user.project'));
    const result = { success: true };
    return job(
      await finishedJob(ctx.db, { command: ctx.command.name, group: 'user.project', ...actorOf(ctx), result }),
    );
  },
});
