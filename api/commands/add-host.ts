import { beginHost, dropHost, hostFound, listHosts } from '../../db/hosts.js';
import { readZone } from '../../db/zones.js';
import { fault } from '../../workflows/model/fault.js';
import { parseHostUrl, parseProgramUrl, type HostUrl } from '../../workflows/model/host-url.js';
import { badTags, badToken } from '../../workflows/model/labels.js';
import { command, list, type Context } from '../command.js';
import { look, readKeys, SSH_KEYS, TLS_KEYS } from '../host-keys.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { readZoneQueue } from '../../db/zone-queue.js';
import { HOST, hostView } from '../views/host.js';

const DEFAULT_POOL = 'default';

const params = {
  zoneid: p.uuid('zone', { description: 'the Zone ID for the host', required: true }),
  url: p.string({
    description: 'where the host is reached: qemu:///system, qemu+libssh://USER@HOST/system, qemu+tls://HOST/system, …',
    required: true,
  }),
  hypervisor: p.string({ description: "hypervisor type of the host; must be the zone's" }),
  name: p.string({ description: 'the name of the host; default: the host of its URL. An extension' }),
  hosttags: p.string({ description: 'tags of the host, separated by commas' }),
  allocationstate: p.string({ description: 'Enabled (default), or Disabled: no machine is placed on it' }),
  pool: p.string({ description: 'name of the libvirt storage pool for volumes and images; default: default. An extension' }),
  fabricurl: p.string({ description: 'where the fabric program of a VXLAN zone answers: ssh://USER@HOST. An extension' }),
  ...SSH_KEYS,
  ...TLS_KEYS,
  username: p.string({ description: 'refused: hosts are reached with keys' }),
  password: p.string({ description: 'refused: hosts are reached with keys', sensitive: true }),
}; // prettier-ignore

/** Looks at a host through a worker and, when it answers as expected, makes it one that machines can be placed on. */
export const addHost = command({
  name: 'addHost',
  description: 'Adds a new host',
  roles: ['A', 'R'],
  params,
  response: HOST,
  isList: true,
  async handler(ctx, asked) {
    if (asked.username !== undefined || asked.password !== undefined)
      throw fault('BadParameter', 'username and password cannot be used: hosts are reached with keys. Name the user in the URL and give sshprivatekey'); // prettier-ignore
    const zone = await readZone(ctx.db, asked.zoneid);
    if (!zone) throw fault('BadParameter', `Unable to find zone ${asked.zoneid}: it was removed`);
    const at = readUrl('url', parseHostUrl(asked.url));
    const fabric = asked.fabricurl === undefined ? undefined : readUrl('fabricurl', parseProgramUrl(asked.fabricurl));
    const { name = at.name, hosttags = '', pool = DEFAULT_POOL, hypervisor = zone.hypervisor } = asked;
    const problem = badToken('name', name) ?? badTags(hosttags) ?? badToken('pool', pool) ?? badPair(at, fabric);
    if (problem !== undefined) throw fault('BadParameter', problem);
    if (hypervisor.toLowerCase() !== zone.hypervisor.toLowerCase())
      throw fault('BadParameter', `Zone ${zone.name} has the hypervisor ${zone.hypervisor}: a host with ${hypervisor.slice(0, 40)} cannot be added to it`); // prettier-ignore
    const enabled = readAllocation(asked.allocationstate);
    const { secrets, hostKey } = await readKeys(ctx, asked, { ssh: at.ssh ?? fabric?.ssh, tls: at.tls });
    const begun = await beginHost(ctx.db, ctx.sealer, {
      name,
      url: at.url,
      zoneId: zone.uuid,
      hypervisor: zone.hypervisor,
      tags: hosttags.trim() === '' ? null : hosttags,
      pool,
      fabricUrl: fabric?.url ?? null,
      fingerprint: hostKey?.fingerprint ?? null,
      secrets,
    });
    if ('problem' in begun) throw fault('BadParameter', begun.problem);
    try {
      await find(ctx, begun.uuid, { name, zone, enabled });
    } catch (error) {
      await dropHost(ctx.db, begun.uuid);
      throw error;
    }
    const { rows } = await listHosts(ctx.db, { id: begun.uuid }, { offset: 0 });
    const settings = await ctx.settings();
    return list(rows.length, rows.map((row) => hostView(row, settings))); // prettier-ignore
  },
});

interface Found {
  name: string;
  zone: { uuid: string; name: string; hypervisor: string };
  enabled: boolean;
}

async function find(ctx: Context, hostId: string, { name, zone, enabled }: Found): Promise<void> {
  const queue = await readZoneQueue(ctx.db, zone.uuid);
  const answer = await look(ctx, { hostId, ...(queue && { queue }) }, hostId);
  if (!('facts' in answer)) throw fault('Internal', 'a worker was asked for a host and answered something else');
  const { facts } = answer;
  if (facts.hypervisor.toLowerCase() !== zone.hypervisor.toLowerCase())
    throw fault('Refused', `Host ${name} answers as ${facts.hypervisor}, and zone ${zone.name} has the hypervisor ${zone.hypervisor}: add it to a zone of its kind`); // prettier-ignore
  if (!(await hostFound(ctx.db, hostId, facts, enabled, operatorOf(ctx))))
    throw fault('Refused', `Host ${name} took too long to be looked at: add it again`);
}

function readUrl(param: string, parsed: HostUrl | { problem: string }): HostUrl {
  if ('problem' in parsed) throw fault('BadParameter', `${param}: ${parsed.problem}`);
  return parsed;
}

/** One host key is pinned per host: its fabric program must be on the same machine. */
const badPair = (host: HostUrl, fabric: HostUrl | undefined): string | undefined =>
  host.ssh && fabric?.ssh && (host.ssh.host !== fabric.ssh.host || host.ssh.port !== fabric.ssh.port)
    ? `fabricurl names ${fabric.ssh.host} port ${fabric.ssh.port}, and url ${host.ssh.host} port ${host.ssh.port}: both must be the same host`
    : undefined;

function readAllocation(text: string | undefined): boolean {
  if (text === undefined || /^enabled?$/i.test(text)) return true;
  if (/^disabled?$/i.test(text)) return false;
  throw fault('BadParameter', `allocationstate must be Enabled or Disabled, found "${text.slice(0, 40)}"`);
}
