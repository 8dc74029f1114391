import { addKnownMachine } from '../../db/add-machine.js';
import { transact } from '../../db/knex.js';
import { queueMachineChange, settleMachineChange } from '../../db/machine-changes.js';
import type { HostRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, EVERYONE, job, type Context } from '../command.js';
import { readPublicKey } from '../key-pairs.js';
import { callerOf, limitOf, readMachineParts, startMachineRuns } from '../machines.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { MACHINE } from '../views/machine.js';

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** A machine that is there already becomes known, so that it can be added to clusters. */
export const importVirtualMachine = command({
  name: 'importVirtualMachine',
  description:
    'Makes a machine known that exists already: a domain of a host (root admins), or a physical machine by its address; an extension',
  roles: EVERYONE,
  isAsync: true,
  params: {
    name: p.string({ description: 'its host name, which becomes its name in Kubernetes', required: true, length: 63 }),
    displayname: p.string({ description: 'name to be shown; default: the host name' }),
    zoneid: p.uuid('zone', { description: 'zone of the machine', required: true }),
    networkids: p.uuids('network', { description: 'network that the machine is in', required: true, access: true }),
    ipaddress: p.string({ description: 'its address in that network', required: true, length: 15 }),
    sshhostkey: p.string({
      description: 'its public SSH host key: the line of /etc/ssh/ssh_host_ed25519_key.pub',
      required: true,
      length: 5120,
    }),
    serviceofferingid: p.uuid('serviceOffering', { description: 'offering of its size', required: true }),
    templateid: p.uuid('template', {
      description: "template that it was made from, or is like; default: the zone's for Kubernetes nodes",
    }),
    hostid: p.uuid('host', { description: 'host of its domain; without it the machine is physical', roles: ADMIN }),
    domainname: p.string({ description: 'name of its domain on that host', roles: ADMIN, length: 60 }),
    macaddress: p.string({ description: 'MAC address of its network card', length: 17 }),
    ...OWNER,
  },
  response: MACHINE,
  async handler(ctx, asked) {
    const owner = await newOwner(ctx, asked);
    if (!NAME.test(asked.name))
      throw fault('BadParameter', `Invalid name "${asked.name}": lower-case letters, digits, hyphens and dots`);
    if (asked.macaddress !== undefined && !MAC.test(asked.macaddress))
      throw fault('BadParameter', `Invalid macaddress "${asked.macaddress}": expected 52:54:00:12:34:56`);
    const domain = await domainOf(ctx, asked);
    const parts = await readMachineParts(ctx, asked, owner.accountId);
    if (domain && domain.host.data_center_id !== parts.zone.uuid)
      throw fault('BadParameter', `Host ${domain.host.name} is not in zone ${parts.zone.name}`);
    const limitSeconds = await limitOf(ctx, 'import');
    const queued = await transact(ctx.db, async (trx) => {
      const vmId = await addKnownMachine(trx, {
        ...parts,
        ...owner,
        name: asked.name,
        displayName: asked.displayname ?? asked.name,
        userId: ctx.caller.user.uuid,
        address: asked.ipaddress,
        sshHostKey: readPublicKey(asked.sshhostkey).line,
        ...(asked.macaddress !== undefined && { macAddress: asked.macaddress.toLowerCase() }),
        ...(domain && { domain }),
      });
      return queueMachineChange(trx, { kind: 'import', vmId, limitSeconds, caller: callerOf(ctx) });
    });
    // No host is asked about a physical machine: what it is shows when it is added to a cluster.
    if (domain) await startMachineRuns(ctx, [queued]);
    else await settleMachineChange(ctx.db, queued.jobId, { ok: true });
    return job(queued.jobId, queued.vmId);
  },
});

async function domainOf(ctx: Context, asked: { hostid?: string; domainname?: string }) {
  if (asked.hostid === undefined && asked.domainname === undefined) return undefined;
  if (asked.hostid === undefined || asked.domainname === undefined)
    throw fault('BadParameter', 'hostid and domainname go together: give both, or neither for a physical machine');
  const host = await ctx.db<HostRow>('host').where({ uuid: asked.hostid }).whereNull('removed').first();
  if (!host) throw fault('BadParameter', `Unable to find host ${asked.hostid}`);
  return { host, name: asked.domainname };
}
