import { isProjectAdmin } from '../db/projects.js';
import { accountDomain, isWithin } from '../db/owners.js';
import type { ProjectRow } from '../db/rows.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';
import { NO_ACCESS } from './wire/errors.js';

/** Throws `PermissionDenied` unless the caller is an admin of the project, or administers its domain. */
export async function assertProjectAdmin({ db, caller }: Context, project: ProjectRow): Promise<void> {
  if (caller.role === 'A' || (await isProjectAdmin(db, project.uuid, caller.account.uuid))) return;
  const domain = caller.role === 'U' ? undefined : await accountDomain(db, project.project_account_id);
  if (domain && isWithin(domain.path, caller.domain.path)) return;
  throw fault('PermissionDenied', NO_ACCESS);
}

export const actorOf = ({ caller }: Context) => ({ userId: caller.user.uuid, accountId: caller.account.uuid });
