import { randomUUID } from 'node:crypto';
import { DEFAULT_ZONE } from '../../db/defaults.js';
import { now } from '../../db/knex.js';
import { settleImage } from '../../db/images.js';
import { addCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
const second = randomUUID();
beforeAll(async () => {
  h = await Harness.start();
  await h.db('data_center').insert({
    uuid: second, name: 'second', networktype: 'Advanced', hypervisor: 'KVM', allocation_state: 'Enabled', gateway_url: 'x', guest_cidr: '10.9.0.0/16', created: now(h.db),
  }); // prettier-ignore
});
afterAll(() => h.stop());

const GOOD = { name: 'debian', url: 'http://mirror.example/debian.qcow2', format: 'qcow2', hypervisor: 'kvm', zoneid: DEFAULT_ZONE }; // prettier-ignore
const register = (more: Record<string, string> = {}, user = h.users.A) => {
  const asked = Object.fromEntries(Object.entries({ ...GOOD, ...more }).filter(([, value]) => value !== ''));
  return h.call('registerTemplate', asked, user);
};
const list = async (more: Record<string, string>, user = h.users.A) =>
  (await h
    .call('listTemplates', { templatefilter: 'all', ...more }, user)
    .then(({ content }) => (content.template ?? []) as object[])) as {
    id: string;
    [field: string]: unknown;
  }[];
const zonesOf = (items: { zonename: string }[]) => items.map(({ zonename }) => zonename);
const result = async (reply: { content: { jobid: string } }, user = h.users.A) =>
  (await h.call('queryAsyncJobResult', { jobid: reply.content.jobid }, user)).content as {
    jobstatus: number;
    jobresult: { errortext?: string };
  };

describe('registerTemplate', () => {
  test('answers with a list of one, not ready, waiting for its download', async () => {
    const reply = await register({
      name: 'full', displaytext: 'Debian 12', forcks: 'true', checksum: 'AB'.repeat(16), arch: 'aarch64', ispublic: 'true', isfeatured: 'true', requireshvm: 'false',
      passwordenabled: 'true', isextractable: 'true', 'details[0].rootDiskController': 'virtio', 'details[1].note': 'x',
    }); // prettier-ignore
    expect(reply.content).toEqual({
      count: 1,
      template: [
        expect.objectContaining({
          name: 'full', displaytext: 'Debian 12', format: 'QCOW2', hypervisor: 'KVM', zoneid: DEFAULT_ZONE, zonename: 'sim-1', isready: false, status: 'Waiting for its download',
          forcks: true, checksum: `{MD5}${'ab'.repeat(16)}`, arch: 'aarch64', ispublic: true, isfeatured: true, requireshvm: false, passwordenabled: true, isextractable: true,
          details: { rootDiskController: 'virtio', note: 'x' }, downloaddetails: [], url: GOOD.url, account: 'admin', templatetype: 'USER', crossZones: false, size: 0,
        }),
      ],
    }); // prettier-ignore
    const events = await h.db('event').where({ type: 'TEMPLATE.CREATE' });
    expect(events).toEqual([expect.objectContaining({ description: 'Successfully completed registering template full', state: 'Completed' })]); // prettier-ignore
  });

  test('for all zones is shown once per zone, each with its own state, and once with showunique', async () => {
    const made = (await register({ name: 'wide', zoneid: '-1', hypervisor: 'Simulator' })).content;
    expect([made.count, zonesOf(made.template)]).toEqual([2, ['sim-1', 'second']]); // prettier-ignore
    const { id } = made.template[0];
    const host = await h.db('host').first<{ uuid: string }>('uuid');
    await h.db('pool_image').insert({
      pool_id: host.uuid, host_id: host.uuid, image_id: id, state: 'Ready', percent: 100, created: now(h.db), updated: now(h.db),
    }); // prettier-ignore
    await settleImage(h.db, id, 99);
    expect((await list({ id })).map(({ zonename, isready, crossZones, downloaddetails }) => [zonename, isready, crossZones, (downloaddetails as object[]).length])).toEqual([
      ['sim-1', true, true, 1],
      ['second', false, true, 0],
    ]); // prettier-ignore
    expect((await list({ id, isready: 'true' })).map(({ zonename }) => zonename)).toEqual(['sim-1']);
    expect((await list({ id, zoneid: second })).map(({ isready }) => isready)).toEqual([false]);
    const once = await list({ id, showunique: 'true' });
    expect([once.length, 'zoneid' in once[0]!, once[0]!['isready']]).toEqual([1, false, true]);
    const paged = (await h.call('listTemplates', { templatefilter: 'all', ids: id, page: '2', pagesize: '1' })).content;
    expect([paged.count, paged.template[0].zonename]).toEqual([2, 'second']);
  });

  test('for several zones makes one for each', async () => {
    const { content } = await register({ name: 'each', zoneid: '', zoneids: `${DEFAULT_ZONE},${second}` });
    expect(zonesOf(content.template)).toEqual(['sim-1', 'second']);
    expect(new Set((content.template as { id: string }[]).map(({ id }) => id)).size).toBe(2);
  });

  test.each([
    [/Either zoneid or zoneids is required/, { zoneid: '' }],
    [/Both zoneid and zoneids/, { zoneids: DEFAULT_ZONE }],
    [/format: expected QCOW2, RAW, TAR, found "OVA"/, { format: 'OVA' }],
    [/arch: expected x86_64 or aarch64/, { arch: 'mips' }],
    [/url: expected an http:\/\/ or https:\/\/ URL, found file:/, { url: 'file:///etc/passwd' }],
    [/url: expected a URL such as/, { url: 'mirror/x' }],
    [/found a compressed one/, { url: 'http://mirror.example/x.qcow2.xz' }],
    [/expected 64 hexadecimal digits for SHA-256/, { checksum: '{SHA-256}12' }],
    [/hypervisor: expected Simulator, KVM, LXC, found "VMware"/, { hypervisor: 'VMware' }],
  ])('refuses %s', async (text, more) => {
    const reply = await register(more);
    expect([reply.status, reply.content.errortext]).toEqual([431, expect.stringMatching(text)]);
    expect(await list({ name: 'debian' })).toEqual([]);
  });

  test('by a user belongs to his account; featured is for admins; others see it when it is public', async () => {
    const [own, open] = await Promise.all([
      register({ name: 'own', isfeatured: 'true' }, h.users.U),
      register({ name: 'open', ispublic: 'true', isfeatured: 'true' }, h.users.U),
    ]);
    expect(own.content.template[0]).toMatchObject({ account: 'user', isfeatured: false, ispublic: false });
    expect(own.content.template[0]).not.toHaveProperty('url');
    const names = async (templatefilter: string, user = h.users.other) =>
      (await list({ templatefilter }, user)).map(({ name }) => name);
    expect(await names('self', h.users.U)).toEqual(['own', 'open']);
    expect(await names('self')).toEqual([]);
    expect(await names('community')).toEqual(['open']);
    expect(await names('featured')).toEqual(expect.arrayContaining(['full', 'cks-debian-12-simulated']));
    expect(await names('featured')).not.toContain('open');
    expect(await names('executable')).not.toContain('open');
    expect(open.status).toBe(200);
  });
});

describe('registerIso', () => {
  test('answers with a list of one ISO per zone', async () => {
    const asked = { name: 'rescue', url: 'https://mirror.example/rescue.iso', zoneid: second };
    const { content } = await h.call('registerIso', asked, h.users.U);
    expect(content).toMatchObject({ count: 1, iso: [{ name: 'rescue', bootable: true, zonename: 'second', isready: false, format: 'ISO', account: 'user' }] }); // prettier-ignore
    expect(content.iso[0]).not.toHaveProperty('forcks');
    const found = await h.call('listIsos', { isofilter: 'self', bootable: 'true' }, h.users.U);
    expect((found.content.iso as { name: string }[]).map(({ name }) => name)).toEqual(['rescue']);
    expect((await h.call('registerIso', { ...asked, url: 'x' })).status).toBe(431);
  });
});

describe('deleteTemplate and deleteIso', () => {
  test('take it out of the lists for good; a second time the job fails', async () => {
    const { id } = (await register({ name: 'short-lived' })).content.template[0];
    expect(await result(await h.call('deleteTemplate', { id }))).toMatchObject({ jobstatus: 1, jobresult: { success: true } }); // prettier-ignore
    expect(await list({ id })).toEqual([]);
    expect(await result(await h.call('deleteTemplate', { id }))).toMatchObject({ jobstatus: 2, jobresult: { errorcode: 530 } }); // prettier-ignore
  });

  test('are refused while something uses it, with its names', async () => {
    const { id } = (await register({ name: 'used' })).content.template[0];
    const { uuid } = await addCluster(h.db, h.users.U, { name: 'uses', worker_node_template_id: id }, ['worker']);
    await h.db('vm_instance').where({ name: 'uses-worker-0' }).update({ template_id: id });
    const failed = await result(await h.call('deleteTemplate', { id, forced: 'true' }));
    expect(failed.jobresult.errortext).toBe(
      'Unable to delete template used: it is used by machine uses-worker-0, cluster uses',
    );
    await h
      .db('kubernetes_cluster')
      .where({ uuid })
      .update({ removed: now(h.db) });
    await h
      .db('vm_instance')
      .where({ template_id: id })
      .update({ removed: now(h.db) });
    expect((await result(await h.call('deleteTemplate', { id }))).jobstatus).toBe(1);
  });

  test('are for the owner and his admins', async () => {
    const { id } = (await register({ name: 'his', ispublic: 'true' }, h.users.U)).content.template[0];
    expect((await h.call('deleteTemplate', { id }, h.users.other)).status).toBe(531);
    expect((await h.call('deleteTemplate', { id }, h.users.D)).status).toBe(200);
  });

  test('of another zone are refused', async () => {
    const { id } = (await register({ name: 'here' })).content.template[0];
    expect((await result(await h.call('deleteTemplate', { id, zoneid: second }))).jobresult.errortext).toMatch(/not in this zone/); // prettier-ignore
    const wide = (await register({ name: 'everywhere', zoneid: '-1' })).content.template[0];
    expect((await result(await h.call('deleteTemplate', { id: wide.id, zoneid: second }))).jobresult.errortext).toMatch(/for all zones: leave zoneid away/); // prettier-ignore
  });
});
