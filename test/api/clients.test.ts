import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { addCluster, addJob } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
/** The interpreter that `cs` was installed for, which need not be the first one on the path. */
const interpreter = (() => {
  const program = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'cs')).find(existsSync); // prettier-ignore
  return (program && /^#!(\/\S+)/.exec(readFileSync(program, 'utf8'))?.[1]) ?? 'python3';
})();
const python = (args: string[], env: Record<string, string>): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(
      interpreter,
      args,
      { env: { ...process.env, ...env }, cwd: mkdtempSync(join(tmpdir(), 'cks-cs-')) },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
  });
const env = () => ({
  CLOUDSTACK_ENDPOINT: h.endpoint,
  CLOUDSTACK_KEY: h.users.A.apiKey,
  CLOUDSTACK_SECRET: h.users.A.secretKey,
});
const cs = (...args: string[]) => python(['-m', 'cs', ...args], env());

const hasCs = await python(['-c', 'import cs'], {}).then(({ code }) => code === 0);
const withCs = hasCs ? describe : describe.skip;

withCs('cs', () => {
  test('lists, with odd values, by GET and by POST', async () => {
    const zones = await cs('listZones', 'name=sim-1');
    expect(zones.stderr).toBe('');
    expect(JSON.parse(zones.stdout)).toMatchObject({ count: 1, zone: [{ name: 'sim-1' }] });
    const none = await cs('listZones', 'name=a~b *(c)!/ü&=+%[0]');
    expect([none.code, none.stdout.trim()]).toEqual([0, '']);
    expect(JSON.parse((await cs('--post', 'listZones', 'keyword=sim')).stdout).count).toBe(1);
  });

  test('says what was wrong and ends with status 1', async () => {
    const failed = await cs('listZones', 'id=11111111-2222-3333-4444-555555555555');
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({ listzonesresponse: { errorcode: 431, cserrorcode: 9999 } });
    expect((await python(['-m', 'cs', 'listZones'], { ...env(), CLOUDSTACK_SECRET: 'wrong' })).stdout).toContain('401');
  });

  test('collects pages and reads job results as a library', async () => {
    const made = await addCluster(h.db, h.users.A, { name: 'by-cs' });
    const job = await addJob(h.db, h.users.A, { status: 1, result: { object: 'kubernetescluster', id: made.uuid } });
    const failed = await addJob(h.db, h.users.A, {
      status: 2,
      code: 530,
      result: { errorcode: 530, errortext: 'it failed' },
    });
    const program = `
import os, json
from cs import CloudStack, CloudStackApiException
c = CloudStack(os.environ['CLOUDSTACK_ENDPOINT'], os.environ['CLOUDSTACK_KEY'], os.environ['CLOUDSTACK_SECRET'])
pages = c.listServiceOfferings(fetch_list=True, pagesize=2)
done = c._jobresult('${job}')
try:
    c._jobresult('${failed}')
    error = None
except CloudStackApiException as e:
    error = e.error
print(json.dumps([len(pages), done['kubernetescluster']['name'], error]))`;
    const ran = await python(['-c', program], env());
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual([3, 'by-cs', { errorcode: 530, errortext: 'it failed' }]);
  });
});

describe('csclient', () => {
  interface Csclient {
    executeSync(
      command: string,
      params: object,
      done: (error: (Error & { code?: number }) | null, body: Record<string, Record<string, unknown>>) => void,
    ): void;
    execute: Csclient['executeSync'];
    on(event: string, then: () => void): void;
  }
  const load = createRequire(import.meta.url);
  const make = (options: object = {}) => {
    const Client = load('csclient') as new (options: object) => Csclient;
    return new Client({
      baseUrl: `${h.endpoint}?`,
      apiKey: h.users.A.apiKey,
      secretKey: h.users.A.secretKey,
      ...options,
    });
  };
  const call = (client: Csclient, command: string, params: object) =>
    new Promise<{ error: (Error & { code?: number }) | null; body: Record<string, Record<string, unknown>> }>(
      (resolve) => {
        client.executeSync(command, params, (error, body) => resolve({ error, body }));
      },
    );

  test('lists, with stars, tildes and indexed names', async () => {
    expect((await call(make(), 'listZones', { name: 'sim-1' })).body['listzonesresponse']).toMatchObject({ count: 1 });
    const { error, body } = await call(make(), 'listKubernetesClusters', {
      keyword: "a*b~c d!'()",
      tags: [{ key: 'k', value: 'v*' }],
    });
    expect(error).toBeNull();
    expect(body['listkubernetesclustersresponse']).toEqual({});
  });
  test('finds code and text of an error', async () => {
    const { error } = await call(make(), 'listTemplates', {});
    expect(error).toMatchObject({
      code: 431,
      message: 'Unable to execute API command listtemplates due to missing parameter templatefilter',
    });
  });
  test('learns from listApis what is asynchronous', async () => {
    const client = make({ singleExecutor: true });
    await new Promise<void>((resolve) => client.on('ready', resolve));
    const body = await new Promise((resolve, reject) =>
      client.execute('listZones', {}, (error, found) => (error ? reject(error) : resolve(found))),
    );
    expect(body).toHaveProperty('listzonesresponse.count', 1);
  });
});
