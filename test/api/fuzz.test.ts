import fc from 'fast-check';
import { COMMANDS } from '../../api/commands/index.js';
import { Harness, type Reply } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(async () => {
  expect(h.logged).toEqual([]);
  await h.stop();
});

/** Readable commands, so that a lucky request changes nothing; `login` by GET is plain text. */
const reading = COMMANDS.filter(({ name }) => /^(list|get|query)/.test(name));
const commandName = fc.constantFrom(...reading.map(({ name }) => name));
const odd = fc.constantFrom(
  '__proto__[0].x',
  'constructor',
  'a[0]',
  'a[0].b',
  'id[0].x',
  'page[0].y',
  'toString',
  'hasOwnProperty',
  'keyword',
  'id',
  'ids',
  'listall',
  'pagesize',
  'page',
  'name',
  'domainid',
  'projectid',
  'account',
  'startdate',
  'templatefilter',
  'accounttype',
);
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '-1',
    '0',
    '99999999999999999999',
    'true',
    '%',
    "'; DROP TABLE user; --",
    '\u0000',
    '\ud800',
    '1e9',
    '11111111-2222-3333-4444-555555555555',
    'x'.repeat(300),
  ),
  fc.integer().map(String),
);

function expectUsual(reply: Reply): void {
  expect(reply.status).not.toBe(500);
  expect(reply.body).toBeDefined();
  expect(Object.keys(reply.body as object)).toHaveLength(1);
  expect(reply.headers['content-type']).toMatch(/^application\/json/);
  if (reply.status !== 200)
    expect(reply.content).toMatchObject({ errorcode: reply.status, errortext: expect.any(String) });
}

test('signed requests with odd parameters are answered in the usual shape, and never by a mistake of ours', async () => {
  await fc.assert(
    fc.asyncProperty(
      commandName,
      fc.dictionary(fc.oneof(odd, fc.string({ maxLength: 12 })), value, { maxKeys: 5 }),
      fc.boolean(),
      async (command, params, byPost) => {
        const {
          command: _c,
          response: _r,
          apiKey: _k,
          signature: _s,
          ...rest
        } = Object.fromEntries(
          Object.entries(params)
            .filter(([name]) => !/^(apikey|signature|signatureversion|expires|command|response|)$/i.test(name))
            .map(([name, text]) => [name.replace(/\p{Surrogate}/gu, ''), text.replace(/\p{Surrogate}/gu, '\ufffd')]),
        );
        const reply = byPost ? await h.post(command, rest) : await h.call(command, rest);
        expectUsual(reply);
        expect(reply.status).not.toBe(401);
      },
    ),
    { numRuns: 400 },
  );
});

test('bytes that are no request at all are refused in the usual shape', async () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.constantFrom('%', '%z', '&&&===', '=', 'a=b=c', '%00=%ff', 'command=%', '+'.repeat(50)),
  );
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.boolean(),
      fc.constantFrom(
        'application/x-www-form-urlencoded',
        'application/x-www-form-urlencoded; charset=utf-16',
        'application/json',
        'multipart/form-data; boundary=x',
        '',
      ),
      async (body, inQuery, type) => {
        const query = `/client/api?response=json${inQuery ? `&${encodeURI(body.replace(/\p{Surrogate}/gu, '')).replaceAll('#', '%23')}` : ''}`;
        const reply = await h.raw({
          method: 'POST',
          path: query,
          headers: { ...(type && { 'content-type': type }), cookie: 'JSESSIONID=x; =; ;;sessionkey' },
          body,
        });
        if (!/response/i.test(body)) expectUsual(reply);
        expect(reply.status).toBeGreaterThanOrEqual(400);
        expect(reply.status).not.toBe(500);
      },
    ),
    { numRuns: 300 },
  );
});
