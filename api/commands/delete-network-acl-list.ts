import { readAcl } from '../../db/acls.js';
import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import type { NetworkRow } from '../../db/rows.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange, vpcOfAcl } from '../network-changes.js';
import { p } from '../params.js';

export const deleteNetworkACLList = command({
  name: 'deleteNetworkACLList',
  description: 'Deletes a network ACL that no tier has',
  roles: EVERYONE,
  isAsync: true,
  params: { id: p.uuid('networkAcl', { description: 'the ID of the network ACL', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    const vpcId = await vpcOfAcl(ctx, id);
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { vpcId });
      const tiers = await trx<NetworkRow>('networks').where({ acl_id: id }).whereNull('removed').orderBy('id');
      const names = tiers.map(({ name }) => name).join(', ');
      return queueNetworkChange(
        trx,
        { ...root, live: false },
        {
          kind: 'deleteNetworkACLList',
          objectId: id,
          name: (await readAcl(trx, id))?.name ?? id,
          by: actingOf(ctx),
          ...(tiers.length > 0 && {
            refusal: `it is the ACL of ${names}: give them another with replaceNetworkACLList`,
          }),
        },
      );
    });
  },
});
