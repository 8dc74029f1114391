import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Address } from '../../activities/images/addresses.js';
import { allowedAddresses } from '../../activities/images/addresses.js';
import { ImageStore, type ImageStoreOptions } from '../../activities/images/store.js';
import type { ImageSpec } from '../../activities/hypervisor/driver.js';
import { DEFAULT_SETTINGS, type Settings } from '../../workflows/model/settings.js';
import { FileServer } from './file-server.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex');

let folder: string;
let files: FileServer;
const content = randomBytes(300_000);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cks-fetch-'));
  files = await FileServer.start(content);
  files.beforeCut = (sent) => until(part(), sent);
});
afterEach(async () => {
  await files.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Of hosts that this machine may serve. */
class NearStore extends ImageStore {
  override fetch(image: ImageSpec): ReturnType<ImageStore['fetch']> {
    return super.fetch(image, { loopback: true });
  }
}
const near = (more: Partial<ImageStoreOptions> = {}, settings: Partial<Settings> = {}): ImageStore =>
  new NearStore(options(more, settings));
function options(more: Partial<ImageStoreOptions>, settings: Partial<Settings>): ImageStoreOptions {
  return {
    home: folder,
    settings: () => Promise.resolve({ ...DEFAULT_SETTINGS, ...settings }),
    own: () => Promise.resolve([]),
    versionOf: () => Promise.resolve(undefined),
    onProgress: () => Promise.resolve(),
    pauseMs: 1,
    ...more,
  };
}
const image = (more: Partial<ImageSpec> = {}): ImageSpec => ({
  kind: 'TEMPLATE',
  id: 'one',
  url: files.url(),
  checksum: null,
  format: 'QCOW2',
  ...more,
});
const refused = (message: RegExp): unknown => expect.objectContaining({ type: 'DownloadRefused', nonRetryable: true, message: expect.stringMatching(message) as string }); // prettier-ignore
const part = () => join(folder, 'cache/template-one-loopback.part');
/** Until so many bytes are on disk: what is still on its way when a connection is cut is lost with it. */
async function until(path: string, bytes: number): Promise<void> {
  for (let i = 0; i < 1000 && !(existsSync(path) && statSync(path).size >= bytes); i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a fetch', () => {
  test('puts the file under its pool name, and a second one asks nobody', async () => {
    const images = near();
    const fetched = await images.fetch(image());
    expect(fetched).toEqual({ path: join(folder, 'cache/template-one-loopback'), bytes: content.length, sha256: sha256(content) }); // prettier-ignore
    expect(readFileSync(fetched.path).equals(content)).toBe(true);
    expect(await images.fetch(image())).toEqual(fetched);
    expect(await near().fetch(image())).toEqual(fetched);
    expect(files.asked).toHaveLength(1);
  });

  test('for hosts that this machine may serve is kept apart from all others', async () => {
    await near().fetch(image());
    const far = new ImageStore(options({}, {}));
    await expect(far.fetch(image())).rejects.toEqual(refused(/127.0.0.1: the address is loopback/));
    expect(await far.size(image())).toBe(content.length);
    await far.forget(image());
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });

  test('is shared by callers at the same time', async () => {
    const images = near();
    const [a, b, c] = await Promise.all([images.fetch(image()), images.fetch(image()), images.fetch(image())]);
    expect([b, c]).toEqual([a, a]);
    expect(files.asked).toHaveLength(1);
  });

  test('goes on without a caller who left, and ends with the last one', async () => {
    files.stallAt = 1000;
    const callers: AbortController[] = [];
    const images = near({ signal: () => callers.at(-1)?.signal });
    const begin = () => (callers.push(new AbortController()), images.fetch(image()));
    const [first, second] = [begin(), begin()];
    await files.stalled();
    await until(part(), 1000);
    callers[0]!.abort(new Error('first left'));
    await expect(first).rejects.toThrow('first left');
    files.release();
    expect((await second).bytes).toBe(content.length);
    expect(files.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=1000-']);

    rmSync(join(folder, 'cache/template-one-loopback'));
    files.stallAt = 1000;
    const third = begin();
    await files.stalled();
    callers.at(-1)!.abort(new Error('third left'));
    await expect(third).rejects.toThrow('third left');
  });

  test('reads a file of the cache anew when its size is not what was recorded', async () => {
    const { path } = await near().fetch(image());
    writeFileSync(path, 'short');
    expect((await near().fetch(image())).bytes).toBe(content.length);
    expect(files.asked).toHaveLength(2);
  });

  test('tells how far it is', async () => {
    const told: [string, number, number | null][] = [];
    const onProgress: ImageStoreOptions['onProgress'] = async (...each) => void told.push(each);
    await near({ onProgress }).fetch(image());
    expect(told[0]).toEqual(['one', 0, content.length]);
    expect(told.at(-1)).toEqual(['one', content.length, content.length]);
  });
});

describe('a connection that is cut', () => {
  test('is taken up where it ended, with the tag of the file', async () => {
    files.cuts = [100_000, 50_000];
    const fetched = await near().fetch(image({ checksum: `{SHA-256}${sha256(content)}` }));
    expect(fetched.sha256).toBe(sha256(content));
    expect(files.asked).toEqual([
      { path: '/file', range: undefined, ifRange: undefined },
      { path: '/file', range: 'bytes=100000-', ifRange: '"one"' },
      { path: '/file', range: 'bytes=150000-', ifRange: '"one"' },
    ]);
  });

  test('begins anew when the server has another file by now', async () => {
    files.cuts = [100_000];
    const images = near();
    const next = randomBytes(200_000);
    files.beforeCut = async (sent) => {
      await until(part(), sent);
      files.etag = '"two"';
      files.content = next;
    };
    expect((await images.fetch(image())).sha256).toBe(sha256(next));
    expect(files.asked[1]).toMatchObject({ range: 'bytes=100000-', ifRange: '"one"' });
  });

  test('begins anew when the server cannot resume', async () => {
    files.etag = undefined;
    files.cuts = [100_000];
    expect((await near().fetch(image())).sha256).toBe(sha256(content));
    expect(files.asked.map(({ range }) => range)).toEqual([undefined, undefined]);
  });

  test('is noticed without a length too', async () => {
    files.chunked = true;
    files.cuts = [100_000];
    expect((await near().fetch(image())).bytes).toBe(content.length);
    expect(files.asked).toHaveLength(2);
  });

  test('that brings nothing five times is a fault that may pass, and the part stays', async () => {
    files.cuts = [5000, 0, 0, 0, 0, 0];
    await expect(near().fetch(image())).rejects.toMatchObject({ type: 'DownloadFailed', nonRetryable: false });
    expect(statSync(part()).size).toBe(5000);
    files.cuts = [];
    expect((await near().fetch(image())).sha256).toBe(sha256(content));
    expect(files.asked.at(-1)?.range).toBe('bytes=5000-');
  });

  test('by a kill of the process goes on in the next one', async () => {
    const child = join(folder, 'child.mjs');
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    await run(join(root, 'node_modules/.bin/esbuild'), [
      join(root, 'test/activities/fetch-child.ts'), '--bundle', '--packages=external', '--platform=node', '--format=esm', '--log-level=error', `--outfile=${child}`,
    ]); // prettier-ignore
    files.stallAt = 123_456;
    const args = ['--no-warnings', child, folder, files.url(), `{SHA-256}${sha256(content)}`];
    const victim = spawn(process.execPath, args, { stdio: 'inherit' });
    const ended = new Promise((resolve) => victim.once('exit', resolve));
    await files.stalled();
    await until(join(folder, 'cache/template-big-loopback.part'), 123_456);
    victim.kill('SIGKILL');
    await ended;
    files.release();
    const { stdout } = await run(process.execPath, args);
    expect(JSON.parse(stdout)).toMatchObject({ bytes: content.length, sha256: sha256(content) });
    expect(files.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=123456-']);
  });

  test('two processes at the same time fetch it once', async () => {
    const child = join(folder, 'child.mjs');
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    await run(join(root, 'node_modules/.bin/esbuild'), [
      join(root, 'test/activities/fetch-child.ts'), '--bundle', '--packages=external', '--platform=node', '--format=esm', '--log-level=error', `--outfile=${child}`,
    ]); // prettier-ignore
    const args = ['--no-warnings', child, folder, files.url()];
    const ends = await Promise.all([run(process.execPath, args), run(process.execPath, args)]);
    for (const { stdout } of ends) expect(JSON.parse(stdout)).toMatchObject({ sha256: sha256(content) });
    expect(files.asked).toHaveLength(1);
  });
});

describe('a checksum', () => {
  test.each([
    ['{SHA-256}', sha256],
    ['', md5],
    ['{md5}', md5],
    ['{SHA512}', (all: Buffer) => createHash('sha512').update(all).digest('hex').toUpperCase()],
  ])('written as "%s…" is looked at', async (prefix, of) => {
    expect((await near().fetch(image({ checksum: prefix + of(content) }))).bytes).toBe(content.length);
  });

  test('that is wrong is refused for good with what was expected and found, and nothing of the file stays', async () => {
    const wrong = sha256(Buffer.from('another'));
    await expect(near().fetch(image({ checksum: `{SHA-256}${wrong}` }))).rejects.toEqual(
      refused(new RegExp(`expected \\{SHA-256\\}${wrong}, found \\{SHA-256\\}${sha256(content)}`)),
    );
    expect(existsSync(part())).toBe(false);
    expect(existsSync(join(folder, 'cache/template-one-loopback'))).toBe(false);
  });
});

describe('limits', () => {
  test('a file said to be larger than cks.download.max.gb is refused before it is read', async () => {
    files.content = Buffer.alloc(2_000_000);
    // The unit is GB: the test's limit is a thousandth.
    await expect(near({}, { 'cks.download.max.gb': 0.001 }).fetch(image())).rejects.toEqual(
      refused(/larger than .* GB \(cks.download.max.gb\): 2000000 bytes/),
    );
    expect(existsSync(part())).toBe(false);
  });

  test('a file that grows too large is refused while it is read', async () => {
    files.content = Buffer.alloc(2_000_000);
    files.chunked = true;
    await expect(near({}, { 'cks.download.max.gb': 0.001 }).fetch(image())).rejects.toEqual(
      refused(/more than 1000000 bytes/),
    );
  });

  test('a server that takes longer than cks.download.timeout is refused with how far it came', async () => {
    files.stallAt = 5000;
    await expect(near({}, { 'cks.download.timeout': 1 }).fetch(image())).rejects.toEqual(
      refused(/took longer than 1 s \(cks.download.timeout\): 5000 of 300000 bytes/),
    );
  });

  test('a connection that sends nothing is dropped and taken up', async () => {
    files.stallAt = 7000;
    const fetching = near({ stallMs: 300 }).fetch(image());
    await files.stalled();
    await until(part(), 7000);
    files.stallAt = undefined;
    expect((await fetching).sha256).toBe(sha256(content));
    expect(files.asked[1]?.range).toBe('bytes=7000-');
  });

  test.each([[404, 'DownloadRefused'], [403, 'DownloadRefused'], [503, 'DownloadFailed'], [429, 'DownloadFailed']])('%i is %s', async (status, type) => {
    await expect(near().fetch(image({ url: files.url(`/status/${status}`) }))).rejects.toMatchObject({ type, message: expect.stringContaining(String(status)) as string });
  }); // prettier-ignore
});

describe('addresses', () => {
  const rules = (privateRanges = '', found: Address[] = []) => ({
    privateRanges,
    own: [],
    lookup: () => Promise.resolve(found),
  });
  const ask = (url: string, privateRanges = '') => allowedAddresses(new URL(url), rules(privateRanges));

  test.each([
    ['http://127.0.0.1/', 'loopback'], ['http://127.9.9.9:8080/', 'loopback'], ['http://0x7f.1/', 'loopback'], ['http://2130706433/', 'loopback'], ['http://[::1]/', 'loopback'],
    ['http://[::ffff:127.0.0.1]/', 'loopback'], ['http://0.0.0.0/', 'unspecified'], ['http://[::]/', 'unspecified'], ['http://169.254.169.254/latest', 'link-local'],
    ['http://[fe80::1]/', 'link-local'], ['http://[::ffff:169.254.169.254]/', 'link-local'], ['http://224.0.0.1/', 'multicast'], ['http://255.255.255.255/', 'multicast'],
    ['http://[ff02::1]/', 'multicast'], ['http://[64:ff9b::7f00:1]/', 'transition'], ['http://[2002:7f00:1::]/', 'transition'], ['http://[::7f00:1]/', 'transition'],
    ['http://10.0.0.1/', 'private'], ['http://172.31.0.1/', 'private'], ['http://192.168.1.1/', 'private'], ['http://100.64.0.1/', 'private'], ['http://[fd00::1]/', 'private'],
    ['http://[::ffff:10.0.0.1]/', 'private'],
  ])('%s is refused: %s', async (url, why) => {
    await expect(ask(url)).rejects.toEqual(refused(new RegExp(why)));
  }); // prettier-ignore

  test('private ones are allowed as cks.download.cidrs says, and no other', async () => {
    const ranges = '10.20.0.0/16, fd00::/64';
    expect(await ask('http://10.20.1.1/', ranges)).toEqual([{ address: '10.20.1.1', family: 4 }]);
    expect(await ask('http://[fd00::5]/', ranges)).toEqual([{ address: 'fd00::5', family: 6 }]);
    await expect(ask('http://10.21.1.1/', ranges)).rejects.toEqual(refused(/cks.download.cidrs/));
    await expect(ask('http://127.0.0.1/', '127.0.0.0/8')).rejects.toEqual(refused(/loopback/));
    await expect(ask('http://10.0.0.1/', '10.0.0.0')).rejects.toEqual(refused(/expected ranges such as 10.20.0.0\/16, found "10.0.0.0"/)); // prettier-ignore
  });

  test('public ones are allowed', async () => {
    expect(await ask('https://198.51.100.7/x')).toEqual([{ address: '198.51.100.7', family: 4 }]);
  });

  test('a name is refused when one of its addresses is', async () => {
    const found: Address[] = [{ address: '198.51.100.7', family: 4 }, { address: '169.254.169.254', family: 4 }]; // prettier-ignore
    await expect(allowedAddresses(new URL('http://evil.example/'), rules('', found))).rejects.toEqual(
      refused(/evil.example \(169.254.169.254\): the address is link-local/),
    );
  });

  test('the parts of this service are refused, by port and by each name of the machine', async () => {
    const own = [{ host: 'api.example', port: 8080 }];
    const lookup = (host: string): Promise<Address[]> =>
      Promise.resolve([{ address: host === 'api.example' ? '198.51.100.7' : '198.51.100.8', family: 4 }]);
    const at = (url: string) => allowedAddresses(new URL(url), { privateRanges: '', own, lookup });
    await expect(at('http://198.51.100.7:8080/x')).rejects.toEqual(refused(/port 8080 there belongs to this service/));
    expect(await at('http://198.51.100.7/x')).toHaveLength(1);
    expect(await at('http://mirror.example:8080/x')).toHaveLength(1);
    const here = { privateRanges: '', own, lookup, loopback: true };
    await expect(allowedAddresses(new URL('http://127.0.0.1:8080/'), here)).rejects.toEqual(refused(/this service/));
  });

  test('a name is looked up once, and the connection made to what was found', async () => {
    let asked = 0;
    const lookup = (host: string): Promise<Address[]> => {
      asked += 1;
      expect(host).toBe('mirror.example');
      // What a rebinding name server would answer the second time.
      return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]);
    };
    const url = `http://mirror.example:${files.port}/file`;
    expect((await near({ lookup }).fetch(image({ url }))).bytes).toBe(content.length);
    expect(asked).toBe(1);
  });

  test('a redirect is followed', async () => {
    const url = files.url(`/redirect?${encodeURIComponent('/file')}`);
    expect((await near().fetch(image({ url }))).bytes).toBe(content.length);
  });

  test.each([
    ['http://169.254.169.254/latest/meta-data/', /169.254.169.254: the address is link-local/],
    ['http://10.1.2.3/', /private/],
    ['file:///etc/passwd', /expected an http:\/\/ or https:\/\/ URL, found file:/],
    ['http://user:secret@example.com/', /without user name/],
  ])('a redirect to %s is refused', async (to, why) => {
    const url = files.url(`/redirect?${encodeURIComponent(to)}`);
    await expect(near().fetch(image({ url }))).rejects.toEqual(refused(why));
    expect(files.asked).toHaveLength(1);
  });

  test('the sixth redirect is refused', async () => {
    const hops = (n: number): string => (n === 0 ? '/file' : `/redirect?${encodeURIComponent(hops(n - 1))}`);
    expect((await near().fetch(image({ url: files.url(hops(5)) }))).bytes).toBe(content.length);
    await expect(near().fetch(image({ id: 'two', url: files.url(hops(6)) }))).rejects.toEqual(refused(/more than 5 times/)); // prettier-ignore
  });
});

describe('an uploaded file', () => {
  test('is checked and kept like a fetched one', async () => {
    mkdirSync(join(folder, 'uploads'));
    writeFileSync(join(folder, 'uploads/one'), content);
    const spec = image({ url: 'upload:one', checksum: `{SHA-256}${sha256(content)}` });
    expect((await near().fetch(spec)).sha256).toBe(sha256(content));
    rmSync(join(folder, 'cache/template-one-loopback'));
    expect((await near().fetch(spec)).bytes).toBe(content.length);
    expect(files.asked).toHaveLength(0);
    await near().forget(spec);
    await expect(near().fetch(spec)).rejects.toEqual(refused(/need the same CKS_HOME/));
  });
});

describe('the medium of a version', () => {
  const LAYOUT = ['k8s/kubeadm', 'k8s/kubelet', 'k8s/kubectl', 'cni/cni-plugins-amd64.tgz', 'cri-tools/crictl-linux-amd64.tar.gz', 'kubelet.service', '10-kubeadm.conf', 'network.yaml', 'docker/kube-apiserver:v1.33.1.tar', 'docker/pause:3.10.tar']; // prettier-ignore
  const medium = async (paths: readonly string[], options: readonly string[]): Promise<Buffer> => {
    const from = join(folder, 'medium');
    for (const path of paths) {
      mkdirSync(join(from, path, '..'), { recursive: true });
      writeFileSync(join(from, path), path);
    }
    await run('mkisofs', ['-quiet', '-o', join(folder, 'made.iso'), ...options, from]);
    return readFileSync(join(folder, 'made.iso'));
  };
  const iso = (): ImageSpec => image({ kind: 'ISO', format: 'ISO' });
  const versionOf = () => Promise.resolve('1.33.1');

  test.each([[['-J', '-R', '-l']], [['-R']], [['-J']]])('is recognised when made with %j', async (options) => {
    files.content = await medium(LAYOUT, options);
    expect((await near({ versionOf }).fetch(iso())).bytes).toBe(files.content.length);
  });

  test('with a hundred images is read over several sectors', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `docker/an-image-with-a-rather-long-name-${i}:v1.0.${i}.tar`);
    files.content = await medium([...many, ...LAYOUT], ['-J', '-R', '-l']);
    expect((await near({ versionOf }).fetch(iso())).bytes).toBe(files.content.length);
  });

  test('that lacks files is refused with their names', async () => {
    files.content = await medium(LAYOUT.filter((path) => !/kubelet|docker/.test(path)), ['-J', '-R', '-l']); // prettier-ignore
    await expect(near({ versionOf }).fetch(iso())).rejects.toEqual(
      refused(/is no Kubernetes medium: k8s\/kubelet, kubelet.service, docker\/\*.tar missing among its 6 files/),
    );
  });

  test('of another version is refused', async () => {
    files.content = await medium(LAYOUT, ['-J', '-R', '-l']);
    const other = () => Promise.resolve('1.33.2');
    await expect(near({ versionOf: other }).fetch(iso())).rejects.toEqual(
      refused(/is a medium of Kubernetes 1.33.1: expected 1.33.2/),
    );
  });

  test('that is not an ISO at all is refused, and what is cut off too', async () => {
    await expect(near({ versionOf }).fetch(iso())).rejects.toEqual(refused(/it is not an ISO 9660 medium/));
    files.content = (await medium(LAYOUT, ['-J', '-R', '-l'])).subarray(0, 20 * 2048);
    await expect(near({ versionOf }).fetch(iso())).rejects.toEqual(refused(/no Kubernetes medium: it ends in sector/));
  });

  test('is not looked for in any other ISO', async () => {
    expect((await near().fetch(iso())).bytes).toBe(content.length);
  });
});
