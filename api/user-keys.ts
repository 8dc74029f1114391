import { findIdentity, type Identity } from '../db/accounts.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';
import { mayAccess } from './ownership.js';
import { NO_ACCESS } from './wire/errors.js';

/** The user whose keys are meant. His own, or an admin's over him: other users of one account do not see each other's keys. */
export async function ownerOfKeys(ctx: Context, userId: string): Promise<Identity> {
  const identity = await findIdentity(ctx.db, { uuid: userId });
  if (!identity) throw fault('BadParameter', `Unable to find user by id ${userId}`);
  const { caller } = ctx;
  const self = caller.user.uuid === userId;
  const above =
    caller.role !== 'U' && identity.account.type !== 1 && (await mayAccess(ctx.db, caller, identity.account.uuid));
  if (!self && !above && caller.role !== 'A') throw fault('PermissionDenied', NO_ACCESS);
  return identity;
}
