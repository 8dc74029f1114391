import { addMachine } from '../../db/add-machine.js';
import { transact } from '../../db/knex.js';
import { queueMachineChange } from '../../db/machine-changes.js';
import { Secret, writeSecret } from '../../db/secret.js';
import { readUserData } from '../../db/user-data.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, EVERYONE, job, type Context } from '../command.js';
import { callerOf, limitOf, readMachineParts, startMachineRuns } from '../machines.js';
import { assertAccess, newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { checkBase64, POST_LIMIT } from '../user-data.js';
import { MACHINE } from '../views/machine.js';

const LABEL = /^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
const DEFAULT_ROOT_GB = 8;

const params = {
  serviceofferingid: p.uuid('serviceOffering', { description: 'the ID of the service offering', required: true }),
  zoneid: p.uuid('zone', { description: 'availability zone of the machine', required: true }),
  templateid: p.uuid('template', { description: "the ID of the template; default: the zone's for Kubernetes nodes" }),
  networkids: p.uuids('network', {
    description: "the network of the machine; default: the owner's, if he has one",
    access: true,
  }),
  name: p.string({ description: 'host name of the machine' }),
  displayname: p.string({ description: 'name to be shown; default: the host name' }),
  keypair: p.string({ description: 'name of the SSH key pair to log in with' }),
  keypairs: p.list({ description: 'names of the SSH key pairs to log in with' }),
  userdata: p.string({ description: 'user data of cloud-init, base64', length: 2 * POST_LIMIT }),
  userdataid: p.uuid('userData', { description: 'registered user data', since: '4.18', access: true }),
  userdatadetails: p.details({ description: 'values for the variables of the user data', since: '4.18' }),
  startvm: p.boolean({ description: 'whether the machine is started; default true' }),
  hostid: p.uuid('host', { description: 'host to put the machine on', roles: ADMIN }),
  rootdisksize: p.long({ description: 'size of the root disk in GB; default 8' }),
  iptonetworklist: p.map({ description: 'address to have: iptonetworklist[0].networkid, iptonetworklist[0].ip' }),
  ...OWNER,
};

export const deployVirtualMachine = command({
  name: 'deployVirtualMachine',
  description: 'Creates a machine, and starts it unless told otherwise',
  roles: EVERYONE,
  isAsync: true,
  params,
  response: MACHINE,
  async handler(ctx, asked) {
    const owner = await newOwner(ctx, asked);
    if (asked.name !== undefined && !LABEL.test(asked.name))
      throw fault(
        'BadParameter',
        `Invalid name "${asked.name}": a host name has up to 63 letters, digits and hyphens, and begins with a letter`,
      );
    if (asked.rootdisksize !== undefined && (asked.rootdisksize < 1 || asked.rootdisksize > 65536))
      throw fault('BadParameter', `rootdisksize is a number of GB from 1 on, found ${asked.rootdisksize}`);
    const parts = await readMachineParts(ctx, asked, owner.accountId);
    const keypairs = [...new Set([...(asked.keypair === undefined ? [] : [asked.keypair]), ...(asked.keypairs ?? [])])];
    await assertKeyPairs(ctx, owner.accountId, keypairs);
    const userData = await userDataOf(ctx, asked);
    const limitSeconds = await limitOf(ctx, 'deploy');
    const queued = await transact(ctx.db, async (trx) => {
      const vmId = await addMachine(trx, {
        ...parts,
        ...owner,
        ...(asked.name !== undefined && { name: asked.name }),
        ...(asked.displayname !== undefined && { displayName: asked.displayname }),
        userId: ctx.caller.user.uuid,
        rootDiskGb: asked.rootdisksize ?? DEFAULT_ROOT_GB,
        keypairs,
        ...('id' in userData && { userDataId: userData.id }),
        ...addressOf(asked.iptonetworklist, parts.network.uuid),
      });
      // It may hold passwords: sealed, and forgotten with the machine.
      if ('text' in userData) await writeSecret(trx, ctx.sealer, `vm/${vmId}`, 'userdata', new Secret(userData.text));
      return queueMachineChange(trx, {
        kind: 'deploy',
        vmId,
        params: {
          start: asked.startvm ?? true,
          ...(asked.hostid !== undefined && { hostId: asked.hostid }),
          ...(asked.userdatadetails && { metadata: { ...asked.userdatadetails } }),
        },
        limitSeconds,
        caller: callerOf(ctx),
      });
    });
    await startMachineRuns(ctx, [queued]);
    return job(queued.jobId, queued.vmId);
  },
});

function addressOf(list: readonly Readonly<Record<string, string>>[] | undefined, networkId: string) {
  const [wanted] = list ?? [];
  if (!wanted) return {};
  if (list!.length > 1 || wanted['networkid'] !== networkId || !wanted['ip'])
    throw fault('BadParameter', `iptonetworklist takes one address, of the machine's network ${networkId}`);
  return { address: wanted['ip'] };
}

async function assertKeyPairs(ctx: Context, accountId: string, names: readonly string[]): Promise<void> {
  const rows = await ctx
    .db('ssh_keypairs')
    .where({ account_id: accountId })
    .whereIn('keypair_name', [...names])
    .select<{ keypair_name: string }[]>('keypair_name');
  const missing = names.filter((name) => !rows.some(({ keypair_name }) => keypair_name === name));
  if (missing.length > 0)
    throw fault('BadParameter', `A key pair with name '${missing[0]}' was not found for the owner of the machine`);
}

async function userDataOf(
  ctx: Context,
  asked: { userdata?: string; userdataid?: string },
): Promise<{ id: string } | { text: string } | Record<string, never>> {
  if (asked.userdata !== undefined && asked.userdataid !== undefined)
    throw fault('BadParameter', 'Both userdata and userdataid are given: use one of them');
  if (asked.userdataid !== undefined) {
    const row = await readUserData(ctx.db, asked.userdataid);
    if (!row || row.for_cks === 1) throw fault('BadParameter', `Unable to find user data with id ${asked.userdataid}`);
    await assertAccess(ctx, row.account_id);
    return { id: row.uuid };
  }
  return asked.userdata ? { text: checkBase64(ctx, 'userdata', asked.userdata) } : {};
}
