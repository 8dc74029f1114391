import type { Owners } from '../db/owners.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';

interface Shown {
  owners: Owners;
  withPublic: boolean;
  public?: boolean;
  featured?: boolean;
  ready?: boolean;
}

/**
 * What `templatefilter` and `isofilter` show. Nothing is shared with single accounts here. Undefined: nothing.
 */
export function shownBy(ctx: Context, filter: string, owners: Owners): Shown | undefined {
  switch (filter.toLowerCase()) {
    case 'featured':
      return { owners, withPublic: true, public: true, featured: true };
    case 'community':
      return { owners, withPublic: true, public: true, featured: false };
    case 'executable':
      return { owners, withPublic: true, ready: true };
    case 'self':
      return { owners, withPublic: false };
    case 'selfexecutable':
      return { owners, withPublic: false, ready: true };
    case 'shared':
    case 'sharedexecutable':
      return undefined;
    case 'all':
      if (ctx.caller.role === 'U')
        throw fault('BadParameter', `Filter ${filter} can be specified by either Root Admin or Domain Admin only`);
      return { owners: ctx.caller.role === 'A' ? { kind: 'all' } : owners, withPublic: true };
    default:
      throw fault(
        'BadParameter',
        `Invalid value for the filter: expected featured, self, selfexecutable, shared, sharedexecutable, executable, community or all, found "${filter}"`,
      );
  }
}
