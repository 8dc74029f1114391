import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_ZONE } from '../../db/defaults.js';
import { now } from '../../db/knex.js';
import { settleImage } from '../../db/images.js';
import { addCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const GOOD = {
  semanticversion: '1.33.1',
  mincpunumber: '2',
  minmemory: '2048',
  url: 'http://mirror.example/v1.33.1.iso',
};
const add = (more: Record<string, string> = {}) => h.call('addKubernetesSupportedVersion', { ...GOOD, ...more });
const show = async (id: string) =>
  (await h.call('listKubernetesSupportedVersions', { id })).content.kubernetessupportedversion[0] as object;
const result = async (reply: { content: { jobid: string } }) =>
  (await h.call('queryAsyncJobResult', { jobid: reply.content.jobid })).content as {
    jobstatus: number;
    jobresult: { errortext?: string };
  };
/** What a worker would write once the only host's copy stands so. */
async function copyIs(isoId: string, state: string, error: string | null = null): Promise<void> {
  const host = await h.db('host').first<{ uuid: string }>('uuid');
  await h.db('pool_image').where({ image_id: isoId }).delete();
  await h.db('pool_image').insert({
    pool_id: host.uuid, host_id: host.uuid, image_id: isoId, state, percent: 0, error, created: now(h.db), updated: now(h.db),
  }); // prettier-ignore
  await settleImage(h.db, isoId, 4711);
}

describe('addKubernetesSupportedVersion', () => {
  test('answers with the version, enabled, and its ISO not downloaded', async () => {
    const sum = 'ab'.repeat(32).toUpperCase();
    const { kubernetessupportedversion: made } = (await add({ checksum: `{SHA-256}${sum}` })).content;
    expect(made).toMatchObject({
      name: 'v1.33.1', semanticversion: '1.33.1', isoname: 'v1.33.1-Kubernetes-Binaries-ISO', isostate: 'Allocated', isostatus: 'Waiting for its download',
      isourl: GOOD.url, arch: 'x86_64', directdownload: false, state: 'Enabled', mincpunumber: 2, minmemory: 2048, supportsha: true, supportsautoscaling: true,
    }); // prettier-ignore
    expect(made).not.toHaveProperty('zoneid');
    const iso = (await h.call('listIsos', { id: made.isoid, isofilter: 'all' })).content.iso;
    expect(iso).toEqual([
      expect.objectContaining({
        id: made.isoid, isready: false, ispublic: true, bootable: false, checksum: `{SHA-256}${sum.toLowerCase()}`, zoneid: DEFAULT_ZONE, crossZones: true, status: 'Waiting for its download',
      }),
    ]); // prettier-ignore
  });

  test('of a zone has the zone in its name', async () => {
    const { kubernetessupportedversion: made } = (await add({ zoneid: DEFAULT_ZONE, arch: 'aarch64', directdownload: 'true' })).content; // prettier-ignore
    expect(made).toMatchObject({ name: 'v1.33.1-sim-1', zoneid: DEFAULT_ZONE, zonename: 'sim-1', arch: 'aarch64', directdownload: true }); // prettier-ignore
    expect((await add({ name: 'mine' })).content.kubernetessupportedversion).toMatchObject({ name: 'mine', isoname: 'mine-Kubernetes-Binaries-ISO' }); // prettier-ignore
  });

  // In the original's order: each call has every later mistake too.
  const wrongs: [status: number, text: RegExp, params: Record<string, string>][] = [
    [530, /url.*expected an http/, { url: 'ftp://x/y.iso' }],
    [530, /url.*without user name/, { url: 'http://a:b@x/y.iso' }],
    [530, /expected 32 hexadecimal digits for MD5 \(a checksum without \{NAME\} is MD5\)/, { checksum: 'ab'.repeat(32) }],
    [530, /expected \{MD5\}, .* found \{CRC\}/, { checksum: '{CRC}1' }],
    [530, /url of the binaries ISO is needed/i, { url: '' }],
    [530, /cannot be lower than 1.11.0, found 1.10.9/, { semanticversion: '1.10.9', url: '' }],
    [431, /MAJOR.MINOR.PATCH, found "1.33"/, { semanticversion: '1.33', url: '' }],
    [530, /minmemory: expected 2048 MB or more, found 2047/, { minmemory: '2047', semanticversion: '1.33', url: '' }],
    [530, /mincpunumber: expected 2 or more, found 1/, { mincpunumber: '1', minmemory: '1', semanticversion: '1.33' }],
    [431, /arch: expected x86_64 or aarch64, found "mips"/, { arch: 'mips', mincpunumber: '1', semanticversion: '1.33' }],
    [431, /in digits, found "v1.33.1"/, { semanticversion: 'v1.33.1', arch: 'mips', mincpunumber: '1' }],
  ]; // prettier-ignore
  test.each(wrongs)('%i %s', async (status, text, params) => {
    const before = await h.db('vm_template').count({ total: '*' }).first();
    const { url, ...rest } = { ...GOOD, ...params };
    const reply = await h.call('addKubernetesSupportedVersion', { ...rest, ...(url !== '' && { url }) });
    expect([reply.status, reply.content.errortext]).toEqual([status, expect.stringMatching(text)]);
    expect(await h.db('vm_template').count({ total: '*' }).first()).toEqual(before);
  });

  test('is for root admins', async () => {
    expect((await h.call('addKubernetesSupportedVersion', GOOD, h.users.D)).status).toBe(432);
  });
});

describe('isostate', () => {
  test('follows the copies: Creating with a percentage, Failed with the reason, Ready', async () => {
    const { id, isoid } = (await add({ name: 'followed' })).content.kubernetessupportedversion;
    await copyIs(isoid, 'Downloading');
    await h.db('template_zone_ref').where({ template_id: isoid }).update({ bytes: 300, total: 1000 });
    expect(await show(id)).toMatchObject({ isostate: 'Creating', isostatus: '30% Downloaded' });
    await h.db('template_zone_ref').where({ template_id: isoid }).update({ bytes: 1000 });
    expect(await show(id)).toMatchObject({ isostate: 'Creating', isostatus: 'Installing ISO' });
    await copyIs(isoid, 'Failed', 'host-1: it is no Kubernetes medium');
    expect(await show(id)).toMatchObject({ isostate: 'Failed', isostatus: 'host-1: it is no Kubernetes medium' });
    const iso = async () => (await h.call('listIsos', { id: isoid, isofilter: 'all' })).content.iso[0] as object;
    expect(await iso()).toMatchObject({
      isready: false,
      status: 'host-1: it is no Kubernetes medium',
      downloaddetails: [
        { datastore: 'host-1', downloadState: 'DOWNLOAD_ERROR', error: 'host-1: it is no Kubernetes medium' },
      ],
    });
    await copyIs(isoid, 'Ready');
    expect(await show(id)).toMatchObject({ isostate: 'Ready', isostatus: 'Download Complete' });
    expect(await iso()).toMatchObject({ isready: true, size: 4711, status: 'Download Complete' });
    expect((await h.call('listIsos', { id: isoid, isofilter: 'all', isready: 'false' })).content).toEqual({});
    expect((await h.call('listIsos', { id: isoid }, h.users.U)).content).toEqual({});
    const seen = (await h.call('listIsos', { id: isoid, isofilter: 'executable' }, h.users.U)).content.iso[0];
    expect(seen).not.toHaveProperty('downloaddetails');
  });

  test('of all zones is that of the zone which is not ready, and with zoneid that of one', async () => {
    const { id, isoid } = (await add({ name: 'wide' })).content.kubernetessupportedversion;
    await copyIs(isoid, 'Ready');
    const second = '22222222-2222-4222-8222-222222222222';
    await h.db('data_center').insert({
      uuid: second, name: 'second', networktype: 'Advanced', hypervisor: 'KVM', allocation_state: 'Enabled', gateway_url: 'x', guest_cidr: '10.9.0.0/16', created: now(h.db),
    }); // prettier-ignore
    const ref = { template_id: isoid, zone_id: second, created: now(h.db), updated: now(h.db) };
    // A zone without hosts holds nothing up.
    await h.db('template_zone_ref').insert({ ...ref, state: 'NotDownloaded' });
    expect(await show(id)).toMatchObject({ isostate: 'Ready' });
    await h.db('template_zone_ref').where({ zone_id: second }).update({ state: 'Failed', error: 'no' });
    expect(await show(id)).toMatchObject({ isostate: 'Failed', isostatus: 'no' });
    const of = async (zoneid: string) =>
      (await h.call('listKubernetesSupportedVersions', { id, zoneid })).content.kubernetessupportedversion[0]
        .isostate as string;
    expect([await of(DEFAULT_ZONE), await of(second)]).toEqual(['Ready', 'Failed']);
    const isos = (await h.call('listIsos', { id: isoid, isofilter: 'all' })).content;
    expect([isos.count, (isos.iso as { zonename: string; isready: boolean }[]).map(({ zonename, isready }) => [zonename, isready])]).toEqual([2, [['sim-1', true], ['second', false]]]); // prettier-ignore
    expect((await h.call('listIsos', { id: isoid, isofilter: 'all', showunique: 'true' })).content.count).toBe(1);
    await h
      .db('data_center')
      .where({ uuid: second })
      .update({ removed: now(h.db) });
    expect(await show(id)).toMatchObject({ isostate: 'Ready' });
  });
});

describe('updateKubernetesSupportedVersion', () => {
  test('enables and disables, the same again too; other states and deleted versions are refused', async () => {
    const { id } = (await add({ name: 'switched' })).content.kubernetessupportedversion;
    const set = (state: string) => h.call('updateKubernetesSupportedVersion', { id, state });
    for (const state of ['Disabled', 'Disabled', 'Enabled']) {
      expect((await set(state)).content.kubernetessupportedversion).toMatchObject({ id, state });
      expect(await show(id)).toMatchObject({ state });
    }
    const wrong = await set('enabled');
    expect([wrong.status, wrong.content.errortext]).toEqual([530, 'Invalid value for state: expected Enabled or Disabled, found "enabled"']); // prettier-ignore
    await h.call('deleteKubernetesSupportedVersion', { id });
    expect((await set('Enabled')).status).toBe(530);
  });
});

describe('deleteKubernetesSupportedVersion', () => {
  test('takes the version and its ISO out of the lists; a second time its job fails', async () => {
    const { id, isoid } = (await add({ name: 'short-lived' })).content.kubernetessupportedversion;
    const done = await result(await h.call('deleteKubernetesSupportedVersion', { id }));
    expect(done).toMatchObject({ jobstatus: 1, jobresult: { success: true } });
    expect((await h.call('listKubernetesSupportedVersions', { id })).content).toEqual({});
    expect((await h.call('listIsos', { id: isoid, isofilter: 'all' })).content).toEqual({});
    const again = await result(await h.call('deleteKubernetesSupportedVersion', { id }));
    expect(again).toMatchObject({ jobstatus: 2, jobresult: { errorcode: 530 } });
  });

  test('is refused in the job while clusters run the version or are brought to it, with their names', async () => {
    const { id, isoid } = (await add({ name: 'used' })).content.kubernetessupportedversion;
    const runs = await addCluster(h.db, h.users.U, { name: 'runs-it', kubernetes_version_id: id });
    await addCluster(h.db, h.users.U, { name: 'comes-to-it', target_version_id: id });
    const failed = await result(await h.call('deleteKubernetesSupportedVersion', { id }));
    expect(failed).toMatchObject({
      jobstatus: 2,
      jobresultcode: 530,
      jobresult: { errortext: 'Unable to delete Kubernetes version used: clusters runs-it, comes-to-it use it' },
    });
    const iso = await result(await h.call('deleteIso', { id: isoid }));
    expect(iso.jobresult.errortext).toBe(
      'Unable to delete ISO used-Kubernetes-Binaries-ISO: it is used by Kubernetes version used',
    );
    await h.db('kubernetes_cluster').update({ removed: now(h.db) });
    expect(runs.uuid).toBeDefined();
    expect((await result(await h.call('deleteKubernetesSupportedVersion', { id }))).jobstatus).toBe(1);
  });
});

describe('an uploaded version', () => {
  const ASK = {
    name: 'sent',
    semanticversion: '1.34.0',
    format: 'ISO',
    zoneid: DEFAULT_ZONE,
    mincpunumber: '2',
    minmemory: '2048',
  };
  const content = randomBytes(200_000);
  const sum = `{SHA-256}${createHash('sha256').update(content).digest('hex')}`;
  interface Given {
    id: string;
    postURL: string;
    metadata: string;
    expires: string;
    signature: string;
  }
  const ask = async (more: Record<string, string> = {}): Promise<Given> =>
    (await h.call('getUploadParamsForKubernetesSupportedVersion', { ...ASK, checksum: sum, ...more })).content
      .getuploadparams as Given;
  const form = (file: Buffer, boundary = 'xXx') =>
    Buffer.concat([
      Buffer.from(`preamble\r\n--${boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="v.iso"\r\nContent-Type: application/octet-stream\r\n\r\n`),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]); // prettier-ignore
  const send = (given: Given, body: Buffer, headers: Record<string, string> = {}) =>
    h.raw({
      method: 'POST',
      path: new URL(given.postURL).pathname,
      body,
      headers: {
        'content-type': 'multipart/form-data; boundary=xXx', 'content-length': String(body.length),
        'x-signature': given.signature, 'x-metadata': given.metadata, 'x-expires': given.expires, ...headers,
      },
    }); // prettier-ignore
  const stateOf = async (isoId: string) => {
    const all = (await h.call('listKubernetesSupportedVersions')).content.kubernetessupportedversion;
    return (all as { isoid: string; isostate: string }[]).find(({ isoid }) => isoid === isoId)!.isostate;
  };
  afterEach(() => {
    h.clock = () => new Date();
  });

  test('is taken once, as it is, at the address that was given', async () => {
    const given = await ask();
    expect(Object.keys(given).sort()).toEqual(['expires', 'id', 'metadata', 'postURL', 'signature']);
    expect(given.postURL).toBe(`http://192.0.2.1:8080/client/upload/${given.id}`);
    expect(await stateOf(given.id)).toBe('NotUploaded');
    const tricky = Buffer.concat([content, Buffer.from('\r\n--xX\r\n--xXy'), content]);
    const reply = await send(given, form(tricky));
    expect([reply.status, reply.body]).toEqual([200, { success: true }]);
    expect(readFileSync(join(h.folder, 'uploads', given.id)).equals(tricky)).toBe(true);
    expect(await stateOf(given.id)).toBe('Allocated');
    const again = await send(given, form(content));
    expect([again.status, again.content.errortext]).toEqual([409, 'The file has been uploaded already']);
    expect(readdirSync(join(h.folder, 'uploads'))).toEqual([given.id]);
  });

  test('is refused with another signature, metadata, expiry or address, and when it is late', async () => {
    const [given, other] = [await ask({ name: 'a' }), await ask({ name: 'b' })];
    const refusals = [
      await send(given, form(content), { 'x-signature': other.signature }),
      await send(given, form(content), { 'x-signature': '' }),
      await send(given, form(content), { 'x-metadata': other.metadata }),
      await send(given, form(content), { 'x-expires': new Date(Date.now() + 1e9).toISOString() }),
      await send({ ...given, postURL: other.postURL }, form(content)),
      await send({ ...given, postURL: given.postURL.replace(given.id, '33333333-3333-4333-8333-333333333333') }, form(content)), // prettier-ignore
      await send({ ...given, postURL: given.postURL.replace(given.id, 'x') }, form(content)),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401, 401]);
    h.clock = () => new Date(Date.now() + 11 * 60_000);
    const late = await send(given, form(content));
    expect([late.status, late.content.errortext]).toEqual([401, expect.stringMatching(/had to begin before/)]);
    expect(existsSync(join(h.folder, 'uploads', given.id))).toBe(false);
    expect(await stateOf(given.id)).toBe('NotUploaded');
  });

  test('is refused when the form is broken or empty, and may be sent again', async () => {
    const given = await ask({ name: 'again' });
    const broken = await send(given, form(content).subarray(0, 100_000));
    expect([broken.status, broken.content.errortext]).toEqual([400, 'The form: the form ends early']);
    const plain = await send(given, content, { 'content-type': 'application/octet-stream' });
    expect(plain.content.errortext).toMatch(
      /expected multipart\/form-data with a boundary, found application\/octet-stream/,
    );
    const none = await send(
      given,
      Buffer.from('--xXx\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--xXx--\r\n'),
    );
    expect(none.content.errortext).toBe('The form: the form holds no file');
    expect((await send(given, form(Buffer.alloc(0)))).content.errortext).toMatch(/the file is empty/);
    expect(readdirSync(join(h.folder, 'uploads'))).not.toContainEqual(expect.stringMatching(given.id));
    expect((await send(given, form(content))).status).toBe(200);
  });

  test('goes with its version', async () => {
    const given = await ask({ name: 'gone' });
    await send(given, form(content));
    const all = (await h.call('listKubernetesSupportedVersions')).content.kubernetessupportedversion;
    const { id } = (all as { isoid: string; id: string }[]).find(({ isoid }) => isoid === given.id)!;
    await h.call('deleteKubernetesSupportedVersion', { id });
    expect(existsSync(join(h.folder, 'uploads', given.id))).toBe(false);
    expect((await send(given, form(content))).status).toBe(404);
  });

  test('is checked like one that is fetched', async () => {
    const call = (more: Record<string, string>) =>
      h.call('getUploadParamsForKubernetesSupportedVersion', { ...ASK, ...more });
    expect((await call({ zoneid: '-1' })).status).toBe(431);
    expect((await call({ format: 'QCOW2' })).content.errortext).toBe(
      'Invalid value for format: expected ISO, found "QCOW2"',
    );
    expect((await call({ semanticversion: '1.2' })).status).toBe(431);
    expect((await call({ minmemory: '1' })).status).toBe(530);
    expect((await call({ checksum: 'x' })).status).toBe(530);
  });
});
