import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import type { NetworkRow } from '../../db/rows.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const deleteVPC = command({
  name: 'deleteVPC',
  description: 'Deletes a VPC that has no tiers, with its addresses and ACLs',
  roles: EVERYONE,
  isAsync: true,
  params: { id: p.uuid('vpc', { description: 'the ID of the VPC', required: true, access: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { vpcId: id });
      const tiers = await trx<NetworkRow>('networks').where({ vpc_id: id }).whereNull('removed').orderBy('id');
      const names = tiers.map(({ name }) => name).join(', ');
      if (tiers.length === 0) await trx('vpc').where({ uuid: id }).update({ state: 'Inactive' });
      return queueNetworkChange(trx, root, {
        kind: 'deleteVPC',
        objectId: id,
        name: root.vpc!.name,
        by: actingOf(ctx),
        ...(tiers.length > 0 && { refusal: `it has tiers, delete them first: ${names}` }),
      });
    });
  },
});
