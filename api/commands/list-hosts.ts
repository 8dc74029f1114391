import { listHosts as readHosts } from '../../db/hosts.js';
import { command, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { HOST, hostView } from '../views/host.js';

export const listHosts = command({
  name: 'listHosts',
  description: 'Lists hosts',
  roles: ['A', 'R'],
  params: {
    id: p.uuid('host', { description: 'the id of the host' }),
    name: p.string({ description: 'the name of the host' }),
    zoneid: p.uuid('zone', { description: 'the Zone ID for the host' }),
    type: p.string({ description: 'the host type; Routing is the only one here' }),
    state: p.string({ description: 'the state of the host' }),
    resourcestate: p.string({ description: 'list hosts by resource state' }),
    hypervisor: p.string({ description: 'hypervisor type of the hosts' }),
    virtualmachineid: p.uuid('machine', { description: 'lists the host that this machine is on' }),
    details: p.list({ description: 'ignored: every field is shown' }),
    ...PAGING,
  },
  response: HOST,
  isList: true,
  async handler(ctx, params) {
    if (params.type !== undefined && params.type.toLowerCase() !== 'routing') return list(0, []);
    const { count, rows } = await readHosts(
      ctx.db,
      { ...params, machineId: params.virtualmachineid },
      await pageOf(ctx, params),
    );
    const settings = await ctx.settings();
    return list(count, rows.map((row) => hostView(row, settings))); // prettier-ignore
  },
});
