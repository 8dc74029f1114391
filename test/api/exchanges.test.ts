import { addCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const UNVERIFIED = 'unable to verify user credentials and/or request signature';
const future = () => new Date(Date.now() + 600_000).toISOString().replace(/\.\d+Z/, '+0000');

describe('envelopes', () => {
  test('JSON when asked for, XML otherwise', async () => {
    const json = await h.call('listZones');
    expect(json.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(Object.keys(json.body)).toEqual(['listzonesresponse']);
    const xml = await h.call('listZones', { response: '' });
    expect(xml.headers['content-type']).toBe('text/xml; charset=UTF-8');
    expect(xml.text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?><listzonesresponse><count>1<\/count><zone><id>/);
  });

  test('an error has the same status in the body, an empty list of entities, and a header with its text', async () => {
    const reply = await h.call('listZones', { id: '00000000-0000-0000-0000-000000000000' });
    const errortext =
      'Unable to execute API command listzones due to invalid value. Invalid parameter id value=00000000-0000-0000-0000-000000000000 due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.';
    expect(reply.status).toBe(431);
    expect(reply.body).toEqual({ listzonesresponse: { uuidList: [], errorcode: 431, cserrorcode: 9999, errortext } });
    expect(reply.headers['x-description']).toBe(errortext);
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
    expect(reply.headers['x-xss-protection']).toBe('1;mode=block');
    expect(reply.headers['content-security-policy']).toBeDefined();
  });

  test('an error is XML too where XML was asked for', async () => {
    const reply = await h.call('listTemplates', { response: 'xml' });
    expect(reply.status).toBe(431);
    expect(reply.text).toContain(
      '<errorcode>431</errorcode><cserrorcode>9999</cserrorcode><errortext>Unable to execute API command listtemplates due to missing parameter templatefilter</errortext>',
    );
  });

  test('empty lists have neither count nor key; a page past the end has its count', async () => {
    expect((await h.call('listProjects')).body).toEqual({ listprojectsresponse: {} });
    expect((await h.call('listServiceOfferings', { page: '9', pagesize: '2' })).body).toEqual({
      listserviceofferingsresponse: { count: 3 },
    });
    const page = await h.call('listServiceOfferings', { page: '2', pagesize: '2' });
    expect(page.content.count).toBe(3);
    expect(page.content.serviceoffering).toHaveLength(1);
  });
});

describe('parameters', () => {
  test('names are matched without regard to case, unknown ones ignored', async () => {
    const reply = await h.call('listZones', { NAME: 'sim-1', filter: 'id,name', whatever: 'x' });
    expect(reply.content.zone).toHaveLength(1);
    expect((await h.call('listZones', { Name: 'other' })).content).toEqual({});
  });

  test('a form body is read; the query string wins over it', async () => {
    expect((await h.post('listZones', { name: 'sim-1' })).content.count).toBe(1);
    const sent = { command: 'listZones', response: 'json', name: 'nothing', apiKey: h.users.A.apiKey };
    const signed = new URLSearchParams(h.query('listZones', sent));
    signed.set('name', 'sim-1');
    const reply = await h.raw({
      method: 'POST',
      path: '/client/api?name=nothing',
      body: signed.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    });
    expect(reply.body).toEqual({ listzonesresponse: {} });
  });

  test('of a repeated name the last counts', async () => {
    const reply = await h.raw({ path: `/client/api?name=nothing&${h.query('listZones', { name: 'sim-1' })}` });
    expect(reply.content.count).toBe(1);
  });

  test('numbers of rows are ids where the parameter is old', async () => {
    expect((await h.call('listZones', { id: '1' })).content.count).toBe(1);
    expect((await h.call('listZones', { id: '999' })).status).toBe(431);
  });

  test.each([
    ['listZones', { page: '1' }, 9999, '"pagesize" parameter is required when "page" is specified'],
    ['listZones', { pagesize: '1' }, 9999, '"page" parameter is required when "pagesize" is specified'],
    ['listZones', { page: '1', pagesize: '501' }, 4350, "Page size can't exceed max allowed page size value: 500"],
    [
      'listZones',
      { page: 'x', pagesize: '2' },
      9999,
      'Unable to execute API command listzones due to invalid value x for parameter page',
    ],
    ['listTemplates', {}, 9999, 'Unable to execute API command listtemplates due to missing parameter templatefilter'],
    ['listTemplates', { templatefilter: '' }, 4350, 'Invalid value provided for API arg: templatefilter'],
    ['listZones', { name: 'x'.repeat(256) }, 9999, 'Value greater than max allowed length 255 for param: name'],
    [
      'listZones',
      { name: 'a\u0007b' },
      9999,
      'Received value for parameter name is invalid, contains illegal ASCII non-printable characters',
    ],
    ['updateConfiguration', { name: 'no.such', value: '1' }, 4350, "Config parameter with name no.such doesn't exist"],
  ])('%s %j is 431: %s', async (command, params, cs, errortext) => {
    const reply = await h.call(command, params);
    expect(reply.status).toBe(431);
    expect(reply.content).toEqual({ uuidList: [], errorcode: 431, cserrorcode: cs, errortext });
  });

  test('a malformed map name is 430, whatever the command', async () => {
    const reply = await h.call('listZones', { 'tags[0]key': 'x' });
    expect([reply.status, reply.content.errorcode]).toEqual([430, 430]);
    expect(reply.content.errortext).toMatch(/^Unable to decode parameter tags\[0\]key/);
  });

  test('pagesize -1 means all', async () => {
    expect((await h.call('listServiceOfferings', { pagesize: '-1' })).content.serviceoffering).toHaveLength(3);
  });

  test('a body over 2 MB, malformed escapes and compressed bodies are refused in the usual shape', async () => {
    const large = await h.form(`${h.query('listZones')}&x=${'y'.repeat(2 * 1024 * 1024)}`);
    expect([large.status, large.text]).toEqual([431, expect.stringContaining('larger than')]);
    const escape = await h.raw({ path: `/client/api?${h.query('listZones')}&x=%zz` });
    expect(escape.body.listzonesresponse.errortext).toContain('malformed percent-encoding');
    const packed = await h.form(h.query('listZones'), { 'content-encoding': 'gzip' });
    expect(packed.status).toBe(431);
  });

  test('a very long signed GET passes', async () => {
    expect((await h.call('listZones', { keyword: '', filler: 'x'.repeat(100_000) })).status).toBe(200);
  });
});

describe('signed requests', () => {
  test.each([
    ['no signature', () => `command=listZones&response=json&apiKey=${h.users.A.apiKey}`, 'listzonesresponse'],
    ['an unknown key', () => 'command=listZones&response=json&apiKey=nobody&signature=AAAA', 'listzonesresponse'],
    ['an unknown command', () => h.query('listNothing'), 'errorresponse'],
    ['no command', () => 'response=json&apiKey=x&signature=y', 'null'],
    ['another parameter than was signed', () => `${h.query('listZones')}&keyword=x`, 'listzonesresponse'],
    [
      'an expiry in the past',
      () => h.query('listZones', { signatureVersion: '3', expires: '2020-01-01T00:00:00+0000' }),
      'listzonesresponse',
    ],
    ['version 3 without expiry', () => h.query('listZones', { signatureVersion: '3' }), 'listzonesresponse'],
    [
      'an expiry that is no time',
      () => h.query('listZones', { signatureversion: '3', expires: 'soon' }),
      'listzonesresponse',
    ],
  ])('%s is 401 with one text and without cserrorcode', async (_, query, key) => {
    const reply = await h.raw({ path: `/client/api?${query()}` });
    expect(reply.status).toBe(401);
    expect(reply.body).toEqual({ [key]: { uuidList: [], errorcode: 401, errortext: UNVERIFIED } });
  });

  test.each([['+0000'], ['Z']])('an expiry in the future with %s passes', async (zone) => {
    expect(
      (await h.call('listZones', { signatureVersion: '3', expires: future().replace('+0000', zone) })).status,
    ).toBe(200);
  });

  test('a disabled user is not known', async () => {
    await h.db('user').where({ uuid: h.users.other.userId }).update({ state: 'disabled' });
    expect((await h.call('listZones', {}, h.users.other)).status).toBe(401);
    await h.db('user').where({ uuid: h.users.other.userId }).update({ state: 'enabled' });
    expect((await h.call('listZones', {}, h.users.other)).status).toBe(200);
  });

  test('a forbidden command is 432 under errorresponse, with the text that clients know', async () => {
    const reply = await h.call('getUser', { userapikey: 'x' }, h.users.U);
    expect(reply.status).toBe(432);
    expect(reply.body).toEqual({
      errorresponse: {
        uuidList: [],
        errorcode: 432,
        cserrorcode: 9999,
        errortext: `The API [getUser] does not exist or is not available for the account for user id [${h.users.U.userId}].`,
      },
    });
  });

  test('only root admins see the details of a fault of the service', async () => {
    const both = {
      minimumsemanticversion: '1.1.1',
      minimumkubernetesversionid: (await h.call('listKubernetesSupportedVersions')).content
        .kubernetessupportedversion[0].id,
    };
    const seen = await Promise.all(
      [h.users.A, h.users.U].map((user) => h.call('listKubernetesSupportedVersions', both, user)),
    );
    expect(seen.map(({ status }) => status)).toEqual([530, 530]);
    expect(seen[0]!.content.errortext).toContain('can not be specified');
    expect(seen[1]!.content.errortext).toBe(
      'Internal error executing command, please contact your system administrator',
    );
  });

  test('with enforce.post.requests.and.timestamps, changes must be POSTed with an expiry near', async () => {
    await h.call('updateConfiguration', { name: 'enforce.post.requests.and.timestamps', value: 'true' });
    const timed = { signatureVersion: '3', expires: future() };
    expect((await h.call('listZones')).status).toBe(401);
    expect((await h.call('listZones', timed)).status).toBe(200);
    expect((await h.call('listZones', { ...timed, expires: '2099-01-01T00:00:00Z' })).status).toBe(401);
    expect((await h.call('deleteSSHKeyPair', { ...timed, name: 'x' })).status).toBe(400);
    expect(
      (await h.post('updateConfiguration', { ...timed, name: 'enforce.post.requests.and.timestamps', value: 'false' }))
        .status,
    ).toBe(200);
    expect((await h.call('listZones')).status).toBe(200);
  });
});

describe('requests that are not for the API', () => {
  test('other paths, methods and broken paths are answered in the usual shape', async () => {
    for (const raw of [
      { path: '/nothing' },
      { path: '/%zz' },
      { method: 'PUT' },
      { method: 'DELETE', path: '/client/api?command=listZones&response=json' },
    ]) {
      const reply = await h.raw({ path: '/client/api?response=json', ...raw });
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.status).toBeLessThan(500);
      expect(reply.content.errorcode).toBe(reply.status);
    }
  });

  test('health, readiness and the OpenAPI document', async () => {
    expect((await h.raw({ path: '/healthz' })).body).toEqual({ status: 'ok' });
    const ready = await h.raw({ path: '/readyz' });
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ database: 'ok', temporal: 'not connected' });
    const openapi = await h.raw({ path: '/openapi.json' });
    expect(openapi.body.openapi).toBe('3.1.0');
    expect(Object.keys(openapi.body.components.schemas)).toContain('listZonesRequest');
  });

  test('a mistake of our own is 530 with an id that the log knows, and shows nothing else', async () => {
    const broken = await Harness.start();
    await broken.db.schema.dropTable('service_offering');
    const reply = await broken.call('listServiceOfferings');
    expect(reply.status).toBe(530);
    expect(reply.content.errortext).not.toMatch(/sql|service_offering|no such table/i);
    const [, id] = /\(([0-9a-f-]{36})\)$/.exec(reply.content.errortext as string)!;
    expect(broken.logged.join('')).toContain(id);
    await broken.stop();
  });

  test('until the database has answered, the API says that it starts', async () => {
    const starting = await Harness.start({ kubernetesEnabled: () => undefined });
    const reply = await starting.call('listZones');
    expect([reply.status, reply.body.errorresponse.errorcode]).toEqual([503, 503]);
    await starting.stop();
  });
});

test('with cloud.kubernetes.service.enabled off at the start, the Kubernetes commands do not exist', async () => {
  const off = await Harness.start({ kubernetesEnabled: () => false });
  expect((await off.call('listKubernetesClusters')).body).toEqual({
    errorresponse: { uuidList: [], errorcode: 401, errortext: UNVERIFIED },
  });
  const names = ((await off.call('listApis')).content.api as { name: string }[]).map(({ name }) => name);
  expect(names).toContain('listZones');
  expect(names.filter((name) => name.includes('Kubernetes'))).toEqual([]);
  expect((await off.call('listCapabilities')).content.capability.kubernetesserviceenabled).toBe(false);
  await off.stop();
});

describe('whose objects a list shows', () => {
  const names = async (user: 'A' | 'D' | 'R' | 'U' | 'other', params: Record<string, string> = {}) => {
    const reply = await h.call('listKubernetesClusters', params, h.users[user]);
    return reply.status === 200
      ? ((reply.content.kubernetescluster ?? []) as { name: string }[]).map(({ name }) => name)
      : reply.status;
  };
  let made: Record<string, string>;
  beforeAll(async () => {
    made = {};
    for (const who of ['A', 'D', 'U', 'other'] as const)
      made[who] = (await addCluster(h.db, h.users[who], { name: `of-${who.toLowerCase()}` }, [])).uuid;
  });

  test('nothing given: one’s own', async () => {
    expect(await names('A')).toEqual(['of-a']);
    expect(await names('D')).toEqual(['of-d']);
    expect(await names('U')).toEqual(['of-u']);
  });
  test('listall: everything the caller may see', async () => {
    expect(await names('A', { listall: 'true' })).toEqual(['of-a', 'of-d', 'of-u', 'of-other']);
    expect(await names('D', { listall: 'true' })).toEqual(['of-d', 'of-u']);
    expect(await names('U', { listall: 'true' })).toEqual(['of-u']);
  });
  test('id: an admin need not say listall; others find nothing', async () => {
    expect(await names('A', { id: made['other']! })).toEqual(['of-other']);
    expect(await names('D', { id: made['U']! })).toEqual(['of-u']);
    expect(await names('D', { id: made['other']! })).toEqual([]);
    expect(await names('U', { id: made['D']! })).toEqual([]);
  });
  test('domain, with and without its sub-domains, and account', async () => {
    expect(await names('A', { domainid: h.users.D.domainId })).toEqual(['of-d']);
    expect(await names('A', { domainid: h.users.D.domainId, isrecursive: 'true' })).toEqual(['of-d', 'of-u']);
    expect(await names('A', { account: 'user', domainid: h.users.U.domainId })).toEqual(['of-u']);
    expect(await names('D', { account: 'user', domainid: h.users.U.domainId })).toEqual(['of-u']);
  });
  test('what may not be seen is refused: 530 inside CKS commands, 531 elsewhere', async () => {
    expect(await names('D', { domainid: h.users.A.domainId })).toBe(530);
    expect(await names('A', { account: 'nobody' })).toBe(530);
    expect((await h.call('listNetworks', { domainid: h.users.A.domainId }, h.users.D)).status).toBe(531);
    expect((await h.call('listNetworks', { account: 'nobody' })).status).toBe(431);
  });
  test('projects hold nothing', async () => {
    expect(await names('A', { projectid: '-1' })).toEqual([]);
    expect(await names('A', { projectid: '-1', listall: 'true' })).toHaveLength(4);
    expect(await names('A', { projectid: '11111111-2222-3333-4444-555555555555' })).toBe(431);
  });
});

test('a map parameter with the name of a prototype changes nothing', async () => {
  const reply = await h.call('createKubernetesCluster', {
    name: 'x',
    zoneid: '1',
    'nodeofferings[0].__proto__': 'x',
    'nodeofferings[0].constructor': 'y',
    'cniconfigdetails[0].__proto__': 'z',
    dryrun: 'true',
  });
  expect([reply.status, reply.content.cserrorcode]).toEqual([530, 9999]);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(h.logged).toEqual([]);
});
