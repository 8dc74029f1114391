import { finishedJob } from '../../db/finished-job.js';
import { findAccount } from '../../db/owners.js';
import { removeMember } from '../../db/projects.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, job } from '../command.js';
import { failedJob } from '../failed-job.js';
import { accessibleProject } from '../ownership.js';
import { p } from '../params.js';
import { actorOf, assertProjectAdmin } from '../project-rights.js';

export const deleteAccountFromProject = command({
  name: 'deleteAccountFromProject',
  description: 'Removes an account from a project; what the project owns stays',
  roles: EVERYONE,
  isAsync: true,
  params: {
    projectid: p.uuid('project', { description: 'ID of the project', required: true }),
    account: p.string({ description: 'name of the account', required: true }),
  },
  response: 'success',
  async handler(ctx, asked) {
    const project = await accessibleProject(ctx, asked.projectid);
    await assertProjectAdmin(ctx, project);
    const account = await findAccount(ctx.db, asked.account, project.domain_id);
    if (!account)
      throw fault('BadParameter', `Unable to find account ${asked.account} in the domain of project ${project.name}`);
    const member = { accountId: account.uuid, name: account.account_name };
    const refusal = await removeMember(ctx.db, project, member, actorOf(ctx));
    if (refusal !== undefined) return job(await failedJob(ctx, refusal, 'user.account'));
    const result = { success: true };
    return job(
      await finishedJob(ctx.db, { command: ctx.command.name, group: 'user.account', ...actorOf(ctx), result }),
    );
  },
});
