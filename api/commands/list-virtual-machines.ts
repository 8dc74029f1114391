import { listMachines } from '../../db/machines.js';
import { ADMIN, command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { MACHINE, machineView } from '../views/machine.js';

export const listVirtualMachines = command({
  name: 'listVirtualMachines',
  description: 'List the virtual machines owned by the account',
  roles: EVERYONE,
  params: {
    id: p.uuid('machine', { description: 'the ID of the virtual machine' }),
    ids: p.uuids('machine', {
      description: 'the IDs of the virtual machines, mutually exclusive with id',
      since: '4.4',
    }),
    name: p.string({ description: 'name of the virtual machine' }),
    state: p.string({ description: 'state of the virtual machine' }),
    zoneid: p.uuid('zone', { description: 'the availability zone ID' }),
    networkid: p.uuid('network', { description: 'list by network id' }),
    hypervisor: p.string({ description: 'the target hypervisor for the template' }),
    templateid: p.uuid('template', { description: 'list machines by template' }),
    serviceofferingid: p.uuid('serviceOffering', { description: 'list by the service offering', since: '4.4' }),
    affinitygroupid: p.uuid('affinityGroup', { description: 'list machines by affinity group' }),
    keypair: p.string({ description: 'list machines by ssh keypair name' }),
    userid: p.uuid('user', {
      description: 'the user ID that created the machine and is under the account that owns it',
    }),
    hostid: p.uuid('host', { description: 'the host ID', roles: ADMIN }),
    details: p.list({ description: 'which details to show; all of them are, always' }),
    arch: p.string({ description: 'CPU arch of the machine', since: '4.20.1' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: MACHINE,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listMachines(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map((row) => machineView(row, ctx.caller.role === 'A'))); // prettier-ignore
  },
});
