import { changeHost, listHosts } from '../../db/hosts.js';
import { fault } from '../../workflows/model/fault.js';
import { badTags, badToken } from '../../workflows/model/labels.js';
import { ADMIN, command, object } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { HOST, hostView } from '../views/host.js';

/** What to do → how the host is then. */
const STATES = { enable: 'Enabled', disable: 'Disabled', maintenance: 'Maintenance' } as const;

export const updateHost = command({
  name: 'updateHost',
  description: 'Updates a host',
  roles: ADMIN,
  params: {
    id: p.uuid('host', { description: 'the ID of the host to update', required: true }),
    name: p.string({ description: 'the name of the host' }),
    allocationstate: p.string({
      description:
        'Enable; Disable: no further machine is placed on it; Maintenance: as Disable, and none of its machines is replaced by itself while it is down',
    }),
    hosttags: p.string({ description: 'tags of the host, separated by commas; empty: none' }),
    url: p.string({ description: 'refused: a host keeps its URL; add it anew' }),
  },
  response: HOST,
  async handler(ctx, { id, name, allocationstate, hosttags, url }) {
    if (url !== undefined) throw fault('BadParameter', 'The URL of a host cannot be changed: its machines were made there. Delete the host and add it anew'); // prettier-ignore
    if (allocationstate !== undefined && !Object.hasOwn(STATES, allocationstate.toLowerCase()))
      throw fault(
        'BadParameter',
        `allocationstate must be Enable, Disable or Maintenance, found "${allocationstate.slice(0, 40)}"`,
      );
    const problem =
      (name === undefined ? undefined : badToken('name', name)) ??
      (hosttags === undefined ? undefined : badTags(hosttags)) ??
      (await changeHost(
        ctx.db,
        id,
        {
          ...(name !== undefined && { name }),
          ...(hosttags !== undefined && { tags: hosttags.trim() === '' ? null : hosttags }),
          ...(allocationstate !== undefined && {
            resourceState: STATES[allocationstate.toLowerCase() as keyof typeof STATES],
          }),
        },
        operatorOf(ctx),
      ));
    if (problem !== undefined) throw fault('BadParameter', problem);
    const { rows } = await listHosts(ctx.db, { id }, { offset: 0 });
    return object(hostView(rows[0]!, await ctx.settings()));
  },
});
