import { Harness, PASSWORD, type Reply } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const enter = (fields: Record<string, string | undefined>) =>
  h.form(new URLSearchParams({ command: 'login', response: 'json', ...(fields as Record<string, string>) }).toString());
const cookiesOf = (reply: Reply) =>
  (reply.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');
const withSession = (cookie: string, query: string) =>
  h.raw({ path: `/client/api?response=json&${query}`, headers: { cookie } });

test('a session: log in, call, log out', async () => {
  const reply = await enter({ username: 'user', password: PASSWORD, domain: '/eng/qa' });
  expect(reply.status).toBe(200);
  const { sessionkey, ...rest } = reply.body.loginresponse;
  expect(rest).toEqual({
    username: 'user', userid: h.users.U.userId, domainid: h.users.U.domainId, timeout: 1800, account: 'user', firstname: 'First', lastname: 'Last', type: '0', timezone: 'UTC',
    timezoneoffset: '0.0', registered: 'false', is2faenabled: 'false', is2faverified: 'true', providerfor2fa: '', issuerfor2fa: '',
  }); // prettier-ignore
  const [token, key] = reply.headers['set-cookie']!;
  expect(token).toMatch(/^JSESSIONID=[\w-]+;Path=\/client;HttpOnly;SameSite=Lax$/);
  expect(key).toBe(`sessionkey=${sessionkey};Path=/client;HttpOnly;SameSite=Lax`);

  const cookie = cookiesOf(reply);
  const zones = await withSession(cookie, `command=listZones&sessionkey=${sessionkey}`);
  expect(zones.content.count).toBe(1);
  expect((await withSession(cookie, `command=listNothing&sessionkey=${sessionkey}`)).body).toEqual({
    errorresponse: { uuidList: [], errorcode: 432, cserrorcode: 9999, errortext: 'Unknown API command: listNothing' },
  });
  expect((await withSession(cookie, `sessionkey=${sessionkey}`)).status).toBe(400);

  const left = await withSession(cookie, 'command=logout');
  expect(left.body).toEqual({ logoutresponse: { description: 'success' } });
  expect(left.headers['set-cookie']!.every((each) => each.includes('Max-Age=0'))).toBe(true);
  expect((await withSession(cookie, `command=listZones&sessionkey=${sessionkey}`)).status).toBe(401);
  expect((await withSession(cookie, 'command=logout')).status).toBe(431);
});

test('a session needs its key twice, and a wrong one ends it', async () => {
  const reply = await enter({ username: 'admin', password: await adminPassword() });
  const { sessionkey } = reply.body.loginresponse;
  const cookie = cookiesOf(reply);
  const wrong = await withSession(cookie, 'command=listZones&sessionkey=wrong');
  expect(wrong.body).toEqual({
    listzonesresponse: { uuidList: [], errorcode: 401, errortext: 'unable to verify user credentials' },
  });
  expect((await withSession(cookie, `command=listZones&sessionkey=${sessionkey}`)).status).toBe(401);
});

async function adminPassword(): Promise<string> {
  const { readSecret } = await import('../../db/secret.js');
  return (await readSecret(h.db, h.sealer, `user/${h.users.A.userId}`, 'firstpassword'))!.reveal();
}

test('wrong password, unknown user, wrong domain: one answer, 531', async () => {
  for (const fields of [
    { username: 'user', password: 'wrong', domain: '/eng/qa' },
    { username: 'nobody', password: PASSWORD },
    { username: 'user', password: PASSWORD },
    { username: 'user', password: PASSWORD, domainid: h.users.A.domainId },
  ]) {
    const reply = await enter(fields);
    expect(reply.body).toEqual({
      loginresponse: {
        uuidList: [],
        errorcode: 531,
        cserrorcode: 4290,
        errortext: 'Failed to authenticate user; please check the credentials',
      },
    });
    expect(reply.status).toBe(531);
    expect(reply.headers['set-cookie']).toBeUndefined();
  }
  expect((await enter({ username: 'user', password: PASSWORD, domainId: 'no-domain' })).status).toBe(401);
  expect((await enter({ username: 'user', password: PASSWORD, domainid: h.users.U.domainId })).status).toBe(200);
});

test('login by GET is 405 in plain text', async () => {
  const reply = await h.raw({ path: '/client/api?command=login&username=user&password=x&response=json' });
  expect(reply.status).toBe(405);
  expect(reply.headers['content-type']).toContain('text/plain');
});

test('a session ends by itself', async () => {
  const reply = await enter({ username: 'user', password: PASSWORD, domain: 'eng/qa/' });
  await h.db('session').update({ expires: '2020-01-01 00:00:00.000' });
  expect(
    (await withSession(cookiesOf(reply), `command=listZones&sessionkey=${reply.body.loginresponse.sessionkey}`)).status,
  ).toBe(401);
});

test('the database holds neither token nor session key', async () => {
  const reply = await enter({ username: 'user', password: PASSWORD, domain: 'eng/qa/' });
  const stored = JSON.stringify(await h.db('session'));
  for (const value of [reply.body.loginresponse.sessionkey, cookiesOf(reply).split('=')[1]!.split(';')[0]])
    expect(stored).not.toContain(value);
});
