import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import type { PublicAddressRow } from '../../db/rows.js';
import { revokeAddress } from '../../db/public-addresses.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, type Context } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { assertAccess, ownersOf } from '../ownership.js';
import { listAddresses } from '../../db/networks.js';
import { p } from '../params.js';

export const disassociateIpAddress = command({
  name: 'disassociateIpAddress',
  description: 'Disassociates an IP address from the account, with all rules on it',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('address', { description: 'the ID of the public IP address' }),
    ipaddress: p.string({ description: 'IP Address to be disassociated, instead of id' }),
  },
  response: 'success',
  async handler(ctx, asked) {
    const id = await wantedAddress(ctx, asked);
    return submitChange(ctx, async (trx) => {
      const seen = (await trx<PublicAddressRow>('user_ip_address').where({ uuid: id }).first())!;
      const of = seen.vpc_id !== null ? { vpcId: seen.vpc_id } : { networkId: seen.network_id ?? '' };
      const root = await lockRoot(trx, of);
      const { address, ruleIds } = await revokeAddress(trx, id);
      return queueNetworkChange(trx, root, {
        kind: 'disassociateIpAddress',
        objectId: id,
        name: address.public_ip_address,
        was: { ruleIds },
        by: actingOf(ctx),
      });
    });
  },
});

async function wantedAddress(ctx: Context, { id, ipaddress }: { id?: string; ipaddress?: string }): Promise<string> {
  if (id === undefined && ipaddress === undefined)
    throw fault('BadParameter', 'Give id or ipaddress: they say which address to release');
  const filter = { ...(id === undefined ? { ipaddress } : { id }), allocatedOnly: true };
  const owners = await ownersOf(ctx, {}, true);
  const [mine] = (await listAddresses(ctx.db, { ...filter, owners }, { offset: 0, limit: 1 })).rows;
  if (mine) return mine.uuid;
  // Another's address is refused as such; one that nobody has is no address to release.
  const [other] = (await listAddresses(ctx.db, { ...filter, owners: { kind: 'all' } }, { offset: 0, limit: 1 })).rows;
  if (other?.account_id) await assertAccess(ctx, other.account_id);
  throw fault('BadParameter', `The public address ${ipaddress ?? id} is not acquired`);
}
