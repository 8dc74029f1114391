import { addAcl } from '../../db/acls.js';
import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { p } from '../params.js';
import { NETWORK_ACL_LIST } from '../views/vpc.js';

/** No tier has a new ACL, so no gateway has to follow: the job is over at once. */
export const createNetworkACLList = command({
  name: 'createNetworkACLList',
  description: 'Creates a network ACL for the given VPC',
  roles: EVERYONE,
  isAsync: true,
  params: {
    name: p.string({ description: 'Name of the network ACL', required: true }),
    description: p.string({ description: 'Description of the network ACL' }),
    vpcid: p.uuid('vpc', {
      description: 'ID of the VPC associated with this network ACL',
      required: true,
      access: true,
    }),
  },
  response: NETWORK_ACL_LIST,
  async handler(ctx, asked) {
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { vpcId: asked.vpcid });
      const wanted = { name: asked.name, description: asked.description ?? asked.name, vpcId: asked.vpcid };
      const objectId = await addAcl(trx, wanted);
      return queueNetworkChange(
        trx,
        { ...root, live: false },
        { kind: 'createNetworkACLList', objectId, name: asked.name, by: actingOf(ctx) },
      );
    });
  },
});
