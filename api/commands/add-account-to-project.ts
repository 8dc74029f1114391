import { finishedJob } from '../../db/finished-job.js';
import { findAccount } from '../../db/owners.js';
import { addMember } from '../../db/projects.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, job } from '../command.js';
import { accessibleProject } from '../ownership.js';
import { p } from '../params.js';
import { actorOf, assertProjectAdmin } from '../project-rights.js';

const ROLES: Readonly<Record<string, 'Admin' | 'Regular'>> = { admin: 'Admin', regular: 'Regular' };

export const addAccountToProject = command({
  name: 'addAccountToProject',
  description: "Adds an account of the project's domain to the project",
  roles: EVERYONE,
  isAsync: true,
  params: {
    projectid: p.uuid('project', { description: 'ID of the project', required: true }),
    account: p.string({ description: 'name of the account', required: true }),
    roletype: p.string({ description: 'Admin, or Regular (default)' }),
  },
  response: 'success',
  async handler(ctx, asked) {
    const project = await accessibleProject(ctx, asked.projectid);
    await assertProjectAdmin(ctx, project);
    const role = ROLES[(asked.roletype ?? 'Regular').toLowerCase()];
    if (!role) throw fault('BadParameter', `Invalid roletype: expected Admin or Regular, found "${asked.roletype}"`);
    const account = await findAccount(ctx.db, asked.account, project.domain_id);
    if (!account || account.project_id !== null)
      throw fault('BadParameter', `Unable to find account ${asked.account} in the domain of project ${project.name}`);
    await addMember(ctx.db, project, { accountId: account.uuid, name: account.account_name, role }, actorOf(ctx));
    const result = { success: true };
    return job(
      await finishedJob(ctx.db, { command: ctx.command.name, group: 'user.account', ...actorOf(ctx), result }),
    );
  },
});
