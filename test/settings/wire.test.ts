import { Harness, PASSWORD } from '../api/harness.js';

let h: Harness;
beforeEach(async () => {
  h = await Harness.start();
});
afterEach(() => h.stop());

const change = async (name: string, value: string) =>
  expect((await h.call('updateConfiguration', { name, value })).status).toBe(200);
const login = () => h.form(new URLSearchParams({ command: 'login', response: 'json', username: 'user', password: PASSWORD, domain: '/eng/qa' }).toString()); // prettier-ignore

test('a session lasts for the minutes that session.timeout says', async () => {
  expect((await login()).body.loginresponse.timeout).toBe(1800);
  await change('session.timeout', '2');
  expect((await login()).body.loginresponse.timeout).toBe(120);
});

test('a session key is wanted where api.sessionkey.check.locations says', async () => {
  const shown = async (cookie: boolean, parameter: boolean): Promise<number> => {
    const reply = await login();
    const cookies = (reply.headers['set-cookie'] ?? []).map((each) => each.split(';')[0]!);
    const sent = cookies.filter((each) => cookie || !each.startsWith('sessionkey')).join('; ');
    const key = parameter ? `&sessionkey=${reply.body.loginresponse.sessionkey}` : '';
    const path = `/client/api?response=json&command=listZones${key}`;
    return (await h.raw({ path, headers: { cookie: sent } })).status;
  };
  const all = async () => [await shown(true, true), await shown(false, true), await shown(true, false)];
  expect(await all()).toEqual([200, 401, 401]);
  await change('api.sessionkey.check.locations', 'CookieOrParameter');
  expect(await all()).toEqual([200, 200, 200]);
  await change('api.sessionkey.check.locations', 'ParameterOnly');
  expect(await all()).toEqual([200, 200, 401]);
});

test('a page is as long as default.page.size, and no longer', async () => {
  const listed = async (more: Record<string, string> = {}) => h.call('listServiceOfferings', more);
  expect((await listed()).content.serviceoffering).toHaveLength(3);
  await change('default.page.size', '2');
  expect((await listed()).content).toMatchObject({ count: 3, serviceoffering: [{}, {}] });
  expect((await listed({ page: '1', pagesize: '3' })).content.errortext).toContain('max allowed page size value: 2');
});

test('an address for an upload is good for the minutes that upload.operation.timeout says', async () => {
  const zoneid = (await h.call('listZones')).content.zone[0].id as string;
  const minutes = async (semanticversion: string): Promise<number> => {
    const asked = {
      semanticversion,
      name: semanticversion,
      format: 'ISO',
      zoneid,
      mincpunumber: '2',
      minmemory: '2048',
    };
    const { content } = await h.call('getUploadParamsForKubernetesSupportedVersion', asked);
    return Math.round((Date.parse(content.getuploadparams.expires) - h.clock().getTime()) / 60_000);
  };
  expect(await minutes('1.33.9')).toBe(10);
  await change('upload.operation.timeout', '45');
  expect(await minutes('1.33.10')).toBe(45);
});
