import { tierAcl } from '../../db/add-network.js';
import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const replaceNetworkACLList = command({
  name: 'replaceNetworkACLList',
  description: 'Replaces ACL associated with a network',
  roles: EVERYONE,
  isAsync: true,
  params: {
    aclid: p.uuid('networkAcl', { description: 'the ID of the network ACL', required: true }),
    networkid: p.uuid('network', { description: 'the tier', required: true, access: true }),
  },
  response: 'success',
  async handler(ctx, asked) {
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { networkId: asked.networkid });
      const { network, vpc } = root;
      if (!network || !vpc) throw fault('BadParameter', `Network ${network?.name} has no ACL: it is no tier of a VPC`);
      const acl_id = await tierAcl(trx, vpc.uuid, asked.aclid);
      await trx('networks').where({ uuid: network.uuid }).update({ acl_id });
      return queueNetworkChange(trx, root, {
        kind: 'replaceNetworkACLList',
        objectId: network.uuid,
        name: network.name,
        was: { aclId: network.acl_id },
        by: actingOf(ctx),
      });
    });
  },
});
