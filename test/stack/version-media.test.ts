import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FileServer } from '../activities/file-server.js';
import { makeMedium } from '../scripts/medium-sources.js';
import { describeStack, type Stack } from './stack.js';

const curl = promisify(execFile);
const OK = { jobstatus: 1, jobresultcode: 0 };
const VERSION = '1.35.0';

interface Version {
  id: string;
  isoid: string;
  isostate: string;
  isostatus: string;
  state: string;
}

let folder: string;
let iso: Buffer;
let sum: string;
let mirror: FileServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cks-media-'));
  ({ content: iso, checksum: sum } = makeMedium(folder, VERSION));
  mirror = await FileServer.start(iso);
});
afterAll(async () => {
  await mirror.stop();
  rmSync(folder, { recursive: true, force: true });
});

const wish = (zoneid: string) => ({ semanticversion: VERSION, mincpunumber: '2', minmemory: '2048', zoneid });
async function zoneOf(stack: Stack): Promise<string> {
  return String((await stack.createParameters(1, 1))['zoneid']);
}
async function add(stack: Stack, name: string, more: Record<string, string> = {}): Promise<Version> {
  const url = mirror.url(`/setup-v${VERSION}-x86_64.iso`);
  const answer = await stack.call('addKubernetesSupportedVersion', {
    ...wish(await zoneOf(stack)),
    name,
    url,
    ...more,
  });
  return answer['kubernetessupportedversion'] as Version;
}
async function show(stack: Stack, id: string): Promise<Version> {
  const { kubernetessupportedversion } = await stack.call('listKubernetesSupportedVersions', { id });
  return (kubernetessupportedversion as Version[])[0]!;
}
const until = (stack: Stack, id: string, isostate: string, isostatus: RegExp) =>
  stack.until(`the medium is ${isostate}, ${String(isostatus)}`, async () => {
    const seen = await show(stack, id);
    return (seen.isostate === isostate && isostatus.test(seen.isostatus)) || `${seen.isostate}, ${seen.isostatus}`;
  }, 40); // prettier-ignore
const copies = async (stack: Stack, { isoid }: Version) =>
  ((await stack.world()).cache as { isos: { id: string; bytes: number; sha256: string }[] }).isos.filter(({ id }) => id === `iso-${isoid}`); // prettier-ignore
/** Files of the medium on the service's own disk. */
const kept = ({ home }: Stack, { isoid }: Version) =>
  ['cache', 'uploads'].filter((name) => existsSync(join(home, name))).flatMap((name) => readdirSync(join(home, name), { withFileTypes: true })).filter(({ name }) => name.includes(isoid)); // prettier-ignore
async function create(stack: Stack, versionId: string) {
  const parameters = { ...(await stack.createParameters(1, 1)), kubernetesversionid: versionId };
  return (await stack.call('createKubernetesCluster', parameters)) as { id: string; jobid: string };
}
/** Deletes the version; nothing of its medium is left on any host or here. */
async function remove(stack: Stack, version: Version): Promise<void> {
  expect(await stack.run('deleteKubernetesSupportedVersion', { id: version.id })).toMatchObject(OK);
  await stack.until('the copies are gone', async () => {
    const left = [...(await copies(stack, version)), ...kept(stack, version)];
    return left.length === 0 || JSON.stringify(left);
  }, 20); // prettier-ignore
}

describeStack('the medium of a version', { profile: 'instant' }, (scenario) => {
  scenario(
    'is fetched with a percentage, checked, kept once per pool, installed from, disabled, enabled and deleted',
    async (stack) => {
      const half = Math.floor(iso.length / 2);
      mirror.stallAt = half;
      const version = await add(stack, 'by-http', { checksum: sum });
      expect(version).toMatchObject({ state: 'Enabled', isostate: expect.stringMatching(/^(Allocated|Creating)$/) });
      await mirror.stalled();
      await until(stack, version.id, 'Creating', /^0% Downloaded$/);
      await expect(create(stack, version.id)).rejects.toThrow(/is not ready in zone sim-1: expected isostate Ready/);

      // The connection is cut: what has come is kept, and the rest asked for.
      const part = join(stack.home, 'cache', `iso-${version.isoid}-loopback.part`);
      await stack.until('half of it is on disk', () => statSync(part).size === half || `${statSync(part).size}`, 10);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      mirror.release();
      mirror.stallAt = 1000;
      await until(stack, version.id, 'Creating', /^(49|50)% Downloaded$/);
      mirror.release();
      await until(stack, version.id, 'Ready', /^Download Complete$/);
      expect(mirror.asked.map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`, `bytes=${half + 1000}-`]);
      await stack.until('all hosts have it', async () => (await copies(stack, version)).length === 3, 10);
      for (const copy of await copies(stack, version))
        expect(copy).toMatchObject({ bytes: iso.length, sha256: sum.replace('{SHA-256}', '') });

      const set = (state: string) => stack.call('updateKubernetesSupportedVersion', { id: version.id, state });
      expect((await set('Disabled'))['kubernetessupportedversion']).toMatchObject({ state: 'Disabled', isostate: 'Ready' }); // prettier-ignore
      await expect(create(stack, version.id)).rejects.toThrow(/disabled/i);
      await set('Enabled');
      const cluster = await create(stack, version.id);
      expect(await stack.jobEnd(cluster.jobid)).toMatchObject(OK);
      expect(await stack.kubectl(cluster.id, 'get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.kubeletVersion}')).toBe(`v${VERSION} v${VERSION}`); // prettier-ignore
      expect(mirror.asked).toHaveLength(3);

      const refused = await stack.run('deleteKubernetesSupportedVersion', { id: version.id });
      expect(refused).toMatchObject({ jobstatus: 2, jobresult: { errortext: expect.stringContaining(stack.cluster(cluster.id).name) as string } }); // prettier-ignore
      expect(await stack.run('deleteKubernetesCluster', { id: cluster.id })).toMatchObject(OK);
      await remove(stack, version);
      await expect(create(stack, version.id)).rejects.toThrow();
    },
    120,
  );

  scenario(
    'with another checksum than the file’s is Failed, with what was expected and what was found, and is nowhere',
    async (stack) => {
      const wrong = `{SHA-256}${'0'.repeat(64)}`;
      const version = await add(stack, 'wrong', { checksum: wrong });
      await until(stack, version.id, 'Failed', new RegExp(`expected ${wrong}, found ${sum}`.replace(/[{}]/g, '\\$&')));
      expect(await copies(stack, version)).toEqual([]);
      await expect(create(stack, version.id)).rejects.toThrow(/is not ready in zone sim-1: expected isostate Ready/);
      await remove(stack, version);
    },
    60,
  );

  scenario(
    'is uploaded to the address that the API gives, once, with its signature',
    async (stack) => {
      const asked = { ...wish(await zoneOf(stack)), name: 'by-upload', format: 'ISO', checksum: sum };
      const { getuploadparams: given } = await stack.call('getUploadParamsForKubernetesSupportedVersion', asked);
      const { id: isoid, postURL, signature, metadata, expires } = given as Record<string, string>;
      const list = async () => (await stack.call('listKubernetesSupportedVersions'))['kubernetessupportedversion'] as Version[]; // prettier-ignore
      const version = (await list()).find((each) => each.isoid === isoid)!;
      expect(version).toMatchObject({ isostate: 'NotUploaded', state: 'Enabled' });
      // As docs/operate/versions.md says it.
      const file = join(folder, 'out', `setup-v${VERSION}-x86_64.iso`);
      const send = async (until = expires) => {
        const headers = [`x-signature: ${signature}`, `x-metadata: ${metadata}`, `x-expires: ${until}`];
        const args = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-F', `file=@${file}`, ...headers.flatMap((each) => ['-H', each]), postURL!]; // prettier-ignore
        return (await curl('curl', args)).stdout;
      };
      expect(await send(new Date(Date.now() + 1e9).toISOString())).toBe('401');
      expect(await show(stack, version.id)).toMatchObject({ isostate: 'NotUploaded' });
      expect(await send()).toBe('200');
      await until(stack, version.id, 'Ready', /^Download Complete$/);
      expect(await send()).toBe('409');
      await stack.until('all hosts have it', async () => (await copies(stack, version)).length === 3, 10);
      await remove(stack, version);
    },
    60,
  );
});
