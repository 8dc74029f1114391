import { addUserData, deleteUserData, listUserData, readUserData } from '../db/user-data.js';
import type { Page } from '../db/matching.js';
import { fault } from '../workflows/model/fault.js';
import { list, object, success, type Answer, type Context } from './command.js';
import { assertAccess, newOwner, ownersOf, type OwnershipParams } from './ownership.js';
import { userDataView } from './views/user-data.js';
import { WireError } from './wire/errors.js';

const GET_LIMIT = 4096;
export const POST_LIMIT = 1_048_576;

/** Names that a machine's metadata has already: a variable of that name would never be seen. */
const METADATA_NAMES = new Set([
  'availability-zone', 'cloud-domain', 'cloud-domain-id', 'cloud-identifier', 'hypervisor-host-name', 'instance-id', 'local-hostname', 'local-ipv4', 'public-hostname', 'public-ipv4', 'public-keys',
  'service-offering', 'user-data', 'vm-id', 'vm-password',
]); // prettier-ignore

export interface RegisterParams extends Pick<OwnershipParams, 'account' | 'domainid' | 'projectid'> {
  name: string;
  params?: string;
}

/** The text that base64, in either alphabet, stands for. Throws `BadParameter` when it is none or too long for how it was sent. */
export function checkBase64(ctx: Pick<Context, 'httpMethod'>, name: string, sent: string): string {
  const text = sent.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/');
  if (text === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1)
    throw fault('BadParameter', `${name} is not Base64: encode the text, then send it`);
  const limit = ctx.httpMethod === 'POST' ? POST_LIMIT : GET_LIMIT;
  const bytes = Buffer.from(text, 'base64').length;
  if (bytes > limit)
    throw fault(
      'BadParameter',
      `${name} is ${bytes} bytes long, more than the ${limit} that a ${ctx.httpMethod} may bring${limit === GET_LIMIT ? ': send it by POST' : ''}`,
    );
  return Buffer.from(text, 'base64').toString('base64');
}

/** Stores user data, or a CNI configuration, of the owner that the parameters name. */
export async function register(
  ctx: Context,
  asked: RegisterParams,
  content: { name: string; text: string | undefined; forCks: boolean },
): Promise<Answer> {
  const owner = await newOwner(ctx, asked);
  const data = content.text === undefined ? '' : checkBase64(ctx, content.name, content.text);
  const params = (asked.params ?? '').split(',').map((each) => each.trim()).filter(Boolean); // prettier-ignore
  const reserved = params.filter((each) => METADATA_NAMES.has(each));
  if (reserved.length > 0)
    throw fault('BadParameter', `params names ${reserved.join(', ')}, which every machine's metadata has already`);
  const id = await addUserData(ctx.db, {
    name: asked.name,
    data,
    params,
    forCks: content.forCks,
    ...owner,
    userId: ctx.caller.user.uuid,
  });
  if (id === undefined)
    throw fault(
      'BadParameter',
      `User data or a CNI configuration with name '${asked.name}' already exists for the account.`,
    );
  const { rows } = await listUserData(
    ctx.db,
    { forCks: content.forCks, id, owners: { kind: 'all' } },
    { limit: 1, offset: 0 },
  );
  return object(userDataView(rows[0]!));
}

export async function listed(
  ctx: Context,
  forCks: boolean,
  params: OwnershipParams & { id?: string; name?: string; keyword?: string },
  page: Page,
): Promise<Answer> {
  const owners = await ownersOf(ctx, params, params.id !== undefined);
  const { count, rows } = await listUserData(ctx.db, { ...params, forCks, owners }, page);
  return list(count, rows.map(userDataView));
}

export async function remove(
  ctx: Context,
  forCks: boolean,
  asked: { id: string } & Pick<OwnershipParams, 'account' | 'domainid' | 'projectid'>,
): Promise<Answer> {
  const row = await readUserData(ctx.db, asked.id);
  if (!row || row.for_cks !== Number(forCks))
    throw fault('BadParameter', `Unable to find user data with id ${asked.id}`);
  await assertAccess(ctx, row.account_id);
  if (asked.account !== undefined || asked.projectid !== undefined) {
    const owner = await newOwner(ctx, asked);
    if (owner.accountId !== row.account_id)
      throw fault('BadParameter', `The user data ${row.name} does not belong to the given owner`);
  }
  const refusal = await deleteUserData(ctx.db, row, ctx.caller.user.uuid);
  // The text is for the user: a fault of this code would be hidden from all but root admins.
  if (refusal !== undefined) throw new WireError(530, 4250, refusal);
  return success();
}
