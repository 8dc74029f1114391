/* eslint-disable @typescript-eslint/no-unsafe-return -- answers are whatever the server said */
import { randomUUID } from 'node:crypto';
import { DEFAULT_ZONE } from '../../db/defaults.js';
import { copyFailed, copyReady, noteProgress, beginImageWork, settleImage } from '../../db/images.js';
import { now } from '../../db/knex.js';
import { Harness, type TestUser } from './harness.js';

/** Filters of listTemplates and listIsos, and what they say of a download on its way. */
let h: Harness;
let user: TestUser;
const second = randomUUID();
const ids: Record<string, string> = {};

const call = async (command: string, params: Record<string, string>, as = user) => {
  const { status, content } = await h.call(command, params, as);
  if (status !== 200) throw new Error(`${command}: ${status} ${content.errortext}`);
  return content;
};

beforeAll(async () => {
  h = await Harness.start();
  user = h.users.U;
  await h.db('data_center').insert({
    uuid: second, name: 'second', networktype: 'Advanced', hypervisor: 'KVM', allocation_state: 'Enabled', gateway_url: 'x', guest_cidr: '10.9.0.0/16', created: now(h.db),
  }); // prettier-ignore
  const image = async (name: string, more: Record<string, string>, as = user) => {
    const kind = name.endsWith('.iso') ? 'Iso' : 'Template';
    const fixed = { name, url: `https://mirror.example/${name}`, zoneid: DEFAULT_ZONE };
    const shape = kind === 'Template' && { format: 'qcow2', hypervisor: 'Simulator' };
    const content = await call(`register${kind}`, { ...fixed, ...shape, ...more }, as);
    ids[name] = content[kind.toLowerCase()][0].id;
  };
  await image('nodes', { forcks: 'true' });
  await image('plain', { forcks: 'false', hypervisor: 'KVM' });
  await image('arm', { arch: 'aarch64', zoneid: second });
  await image('public', { ispublic: 'true' });
  await image('admins', { ispublic: 'true', isfeatured: 'true' }, h.users.A);
  await image('strangers', {}, h.users.other);
  await image('rescue.iso', {});
  await image('data.iso', { bootable: 'false', arch: 'aarch64', zoneid: second });
  await image('open.iso', { ispublic: 'true' }, h.users.A);
  for (const name of ['nodes', 'admins', 'rescue.iso'])
    for (const [table, key] of [['template_zone_ref', 'template_id'], ['vm_template', 'uuid']] as const)
      await h.db(table).where({ [key]: ids[name] }).update({ state: 'Ready' }); // prettier-ignore
});
afterAll(() => h.stop());

async function listed(kind: 'Template' | 'Iso', params: Record<string, string>, as?: TestUser): Promise<string[]> {
  const resolved = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, ids[value] ?? value]));
  const content = await call(`list${kind}s`, resolved, as);
  const rows = (content[kind.toLowerCase()] ?? []) as { name: string }[];
  return rows.map(({ name }) => name).filter((name) => Object.hasOwn(ids, name)).sort(); // prettier-ignore
}

test.each<[Record<string, string>, string[]]>([
  [{ templatefilter: 'self' }, ['arm', 'nodes', 'plain', 'public']],
  [{ templatefilter: 'selfexecutable' }, ['nodes']],
  [{ templatefilter: 'featured' }, ['admins']],
  [{ templatefilter: 'community' }, ['public']],
  [{ templatefilter: 'executable' }, ['admins', 'nodes']],
  [{ templatefilter: 'shared' }, []],
  [{ templatefilter: 'sharedexecutable' }, []],
  [{ templatefilter: 'self', forcks: 'true' }, ['nodes']],
  [{ templatefilter: 'self', forcks: 'false' }, ['arm', 'plain', 'public']],
  [{ templatefilter: 'self', arch: 'aarch64' }, ['arm']],
  [{ templatefilter: 'self', hypervisor: 'kvm' }, ['plain']],
  [{ templatefilter: 'self', isready: 'true' }, ['nodes']],
  [{ templatefilter: 'self', isready: 'false' }, ['arm', 'plain', 'public']],
  [{ templatefilter: 'self', zoneid: DEFAULT_ZONE }, ['nodes', 'plain', 'public']],
  [{ templatefilter: 'self', id: 'arm' }, ['arm']],
  [{ templatefilter: 'self', name: 'NODES' }, ['nodes']],
  [{ templatefilter: 'self', keyword: 'l' }, ['plain', 'public']],
  [{ templatefilter: 'self', templatetype: 'USER' }, ['arm', 'nodes', 'plain', 'public']],
  [{ templatefilter: 'self', templatetype: 'SYSTEM' }, []],
  [{ templatefilter: 'self', showunique: 'true', details: 'min' }, ['arm', 'nodes', 'plain', 'public']],
])('listTemplates %j', async (params, expected) => {
  expect(await listed('Template', params)).toEqual(expected);
});

test('listTemplates: ids; all is for admins; a filter that is none is refused', async () => {
  expect(await listed('Template', { templatefilter: 'self', ids: `${ids['arm']},${ids['plain']}` })).toEqual(['arm', 'plain']); // prettier-ignore
  expect(await listed('Template', { templatefilter: 'all' }, h.users.A)).toEqual(['admins', 'arm', 'nodes', 'plain', 'public', 'strangers']); // prettier-ignore
  for (const [templatefilter, text] of [['all', /either Root Admin or Domain Admin only/], ['mine', /expected featured, self, .*found "mine"/]] as const) {
    const { status, content } = await h.call('listTemplates', { templatefilter }, user);
    expect([status, content.errortext]).toEqual([431, expect.stringMatching(text)]);
  } // prettier-ignore
  expect((await h.call('listTemplates', {}, user)).status).toBe(431);
});

test.each<[Record<string, string>, string[]]>([
  [{}, ['rescue.iso']],
  [{ isofilter: 'self' }, ['data.iso', 'rescue.iso']],
  [{ isofilter: 'self', bootable: 'false' }, ['data.iso']],
  [{ isofilter: 'self', arch: 'aarch64' }, ['data.iso']],
  [{ isofilter: 'self', isready: 'false' }, ['data.iso']],
  [{ isofilter: 'self', zoneid: second }, ['data.iso']],
  [{ isofilter: 'self', id: 'rescue.iso' }, ['rescue.iso']],
  [{ isofilter: 'self', name: 'RESCUE.iso' }, ['rescue.iso']],
  [{ isofilter: 'self', ispublic: 'true' }, []],
  [{ isofilter: 'community' }, ['open.iso']],
  [{ isofilter: 'self', showunique: 'true' }, ['data.iso', 'rescue.iso']],
])('listIsos %j', async (params, expected) => {
  expect(await listed('Iso', params)).toEqual(expected);
});

test.each([
  [/url: expected an http:\/\/ or https:\/\/ URL, found ftp:/, { url: 'ftp://mirror.example/x.iso' }],
  [/url: expected a URL without user name/, { url: 'http://user:x@mirror.example/x.iso' }],
  [/expected 32 hexadecimal digits for MD5/, { checksum: 'ab' }],
  [/checksum: expected \{MD5\}/, { checksum: '{CRC32}12345678' }],
  [/arch: expected x86_64 or aarch64/, { arch: 'mips' }],
])('registerIso refuses %s', async (text, more) => {
  const asked = { name: 'bad.iso', url: 'https://mirror.example/x.iso', zoneid: DEFAULT_ZONE };
  const { status, content } = await h.call('registerIso', { ...asked, ...(more as Record<string, string>) }, user);
  expect([status, content.errortext]).toEqual([431, expect.stringMatching(text)]);
});

test('registerIso shows its checksum, and takes all zones', async () => {
  const sum = 'AB'.repeat(32);
  const asked = { name: 'wide', url: 'https://mirror.example/x.iso', zoneid: '-1', checksum: `{SHA-256}${sum}` };
  const { count, iso } = await call('registerIso', asked);
  expect(count).toBe(2);
  expect(iso).toMatchObject([{ checksum: `{SHA-256}${sum.toLowerCase()}`, crossZones: true, status: 'Waiting for its download' }, { crossZones: true }]); // prettier-ignore
});

test('a download on its way shows how far it is, in the zone and, to admins, for each host; then that it is there, or why not', async () => {
  const id = ids['public']!;
  const work = await beginImageWork(h.db, id);
  const shown = async () => (await call('listTemplates', { templatefilter: 'all', id }, h.users.A)).template[0];
  expect(await shown()).toMatchObject({ status: '0% Downloaded', isready: false });
  await noteProgress(h.db, id, 370, 1000);
  expect(await shown()).toMatchObject({
    status: '37% Downloaded',
    downloaddetails: work.copies.map(({ hostName }) => ({ datastore: hostName, datastoreRole: 'Primary', downloadPercent: '37', downloadState: 'DOWNLOAD_IN_PROGRESS' })),
  }); // prettier-ignore
  await noteProgress(h.db, id, 1000, 1000);
  expect(await shown()).toMatchObject({ status: 'Installing Template', isready: false });
  for (const { poolId } of work.copies) await copyFailed(h.db, id, poolId, 'host-1: the disk is full', true);
  await settleImage(h.db, id);
  expect(await shown()).toMatchObject({ status: 'host-1: the disk is full', isready: false });
  await copyReady(h.db, id, work.copies[0]!.poolId);
  await settleImage(h.db, id, 1000);
  expect(await shown()).toMatchObject({ status: 'Download Complete', isready: true, size: 1000 });
});
