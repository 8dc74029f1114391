import type { Operator } from '../db/hosts.js';
import type { Context } from './command.js';

/** Who acts, for the events of what an operator does. */
export const operatorOf = ({ caller }: Pick<Context, 'caller'>): Operator => ({
  userId: caller.user.uuid,
  accountId: caller.account.uuid,
  domainId: caller.domain.uuid,
});
