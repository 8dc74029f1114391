import type { Page } from '../db/matching.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';

/** The rows to show; the pairing of `page` and `pagesize` was checked at the parameter stage. */
export async function pageOf(ctx: Context, params: { page?: number; pagesize?: number }): Promise<Page> {
  const largest = (await ctx.settings())['default.page.size'];
  const { page, pagesize } = params;
  if (pagesize === undefined) return { limit: largest, offset: 0 };
  if (pagesize === -1) {
    if (page !== undefined) throw fault('BadParameter', `Can't specify page parameter when pagesize is -1 (Unlimited)`);
    return { offset: 0 };
  }
  if (pagesize > largest) throw fault('BadParameter', `Page size can't exceed max allowed page size value: ${largest}`);
  if (pagesize < 0) throw fault('BadParameter', `Page size must be positive, found ${pagesize}`);
  return { limit: pagesize, offset: Math.max(0, (page ?? 1) - 1) * pagesize };
}
