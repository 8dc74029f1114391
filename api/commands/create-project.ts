import { finishedJob } from '../../db/finished-job.js';
import { addProject } from '../../db/projects.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, job } from '../command.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { actorOf } from '../project-rights.js';
import { PROJECT } from '../views/project.js';

const { account, domainid } = OWNER;

/** The project is there when this answers; the job only says so. */
export const createProject = command({
  name: 'createProject',
  description: 'Creates a project',
  roles: EVERYONE,
  isAsync: true,
  params: {
    name: p.string({ description: 'name of the project', required: true, length: 191 }),
    displaytext: p.string({ description: 'display text of the project; default: its name' }),
    account,
    domainid,
  },
  response: PROJECT,
  async handler(ctx, asked) {
    const owner = await newOwner(ctx, asked);
    const project = await addProject(ctx.db, {
      name: asked.name,
      displayText: asked.displaytext ?? asked.name,
      domainId: owner.domainId,
      ownerAccountId: owner.accountId,
      actor: actorOf(ctx),
    });
    if (!project) throw fault('BadParameter', `Project with name ${asked.name} already exists in the domain`);
    const jobId = await finishedJob(ctx.db, {
      command: ctx.command.name,
      group: 'user.project',
      ...actorOf(ctx),
      result: { object: 'project', id: project.uuid },
    });
    return job(jobId, project.uuid);
  },
});
