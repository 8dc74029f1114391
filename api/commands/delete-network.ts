import { usersOfNetwork } from '../../db/add-network.js';
import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const deleteNetwork = command({
  name: 'deleteNetwork',
  description: 'Deletes a network that no machine and no cluster is in',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('network', { description: 'the ID of the network', required: true, access: true }),
    forced: p.boolean({ description: 'ignored: a network in use is never deleted' }),
  },
  response: 'success',
  async handler(ctx, { id }) {
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { networkId: id });
      const network = root.network!;
      const users = await usersOfNetwork(trx, network);
      if (users === undefined) await trx('networks').where({ uuid: id }).update({ state: 'Destroy' });
      return queueNetworkChange(trx, root, {
        kind: 'deleteNetwork',
        objectId: id,
        name: network.name,
        was: { state: network.state },
        by: actingOf(ctx),
        ...(users !== undefined && { refusal: `it is in use by ${users}` }),
      });
    });
  },
});
