import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import type { AclItemRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange, vpcOfAcl } from '../network-changes.js';
import { p } from '../params.js';

export const deleteNetworkACL = command({
  name: 'deleteNetworkACL',
  description: 'Deletes a network ACL item',
  roles: EVERYONE,
  isAsync: true,
  params: { id: p.uuid('networkAclItem', { description: 'the ID of the network ACL item', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    const seen = await ctx.db<AclItemRow>('network_acl_item').where({ uuid: id }).first();
    if (!seen) throw fault('BadParameter', `The network ACL item ${id} was deleted`);
    const vpcId = await vpcOfAcl(ctx, seen.acl_id);
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { vpcId });
      const marked = await trx('network_acl_item').where({ uuid: id }).whereNot({ state: 'Revoke' }).update({ state: 'Revoke' }); // prettier-ignore
      if (marked !== 1) throw fault('BadParameter', `The network ACL item ${id} was deleted`);
      const name = `${seen.action} ${seen.protocol} ${seen.traffic_type}`;
      return queueNetworkChange(trx, root, { kind: 'deleteNetworkACL', objectId: id, name, by: actingOf(ctx) });
    });
  },
});
