import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { assertVersionMedium, mediumFiles } from '../../activities/images/medium.js';
import { fakeKubeadm, kubeadmImages, MANIFEST_IMAGES, MediumSources, SCRIPT } from './medium-sources.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PUT = ['k8s/kubeadm', 'k8s/kubelet', 'k8s/kubectl', 'cni/cni-plugins-amd64.tgz', 'cri-tools/crictl-linux-amd64.tar.gz', 'kubelet.service', '10-kubeadm.conf', 'network.yaml', 'dashboard.yaml', 'provider.yaml', 'autoscaler.yaml', 'snapshot-crds.yaml', 'manifest.yaml']; // prettier-ignore
const OF_KUBEADM = kubeadmImages('1.34.2');

let folder: string;
let sources: MediumSources;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(SCRIPT, [...args], { env: { PATH: process.env['PATH'], TMPDIR: folder, ...sources.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  }); // prettier-ignore
}
const file = (name: string) => sources.file(name);
const put = (name: string, text: string) => sources.put(name, text);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cks-iso-test-'));
  mkdirSync(join(folder, 'out'));
  sources = new MediumSources(join(folder, 'sources'), '1.34.2');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const six = () => sources.arguments(join(folder, 'out'));
const made = (name: string) => join(folder, 'out', name);
const filesOf = async (name: string) => (await mediumFiles(made(name))).sort();
/** The content of one file of a medium. */
const read = (name: string, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile('isoinfo', ['-R', '-i', made(name), '-x', `/${path}`], (error, stdout) =>
      error ? reject(new Error(error.message)) : resolve(stdout),
    );
  });

describe('the medium', () => {
  test('has the layout that nodes expect, and is taken as a medium of its version', async () => {
    const ended = await run([...six(), 'setup-v1.34.2']);
    expect(ended).toMatchObject({ code: 0 });
    const images = [...OF_KUBEADM, ...MANIFEST_IMAGES].map((each) => `docker/${each.split('/').at(-1)}.tar`);
    expect(await filesOf('setup-v1.34.2-x86_64.iso')).toEqual([...PUT, ...images].sort());
    await assertVersionMedium(made('setup-v1.34.2-x86_64.iso'), 'it', '1.34.2');
    await expect(assertVersionMedium(made('setup-v1.34.2-x86_64.iso'), 'it', '1.34.3')).rejects.toThrow(
      /expected 1.34.3/,
    );
    const content = readFileSync(made('setup-v1.34.2-x86_64.iso'));
    expect(content.toString('latin1', 16 * 2048 + 40, 16 * 2048 + 72).trim()).toBe('CDROM');
    const sum = createHash('sha256').update(content).digest('hex');
    expect(ended.stdout).toBe(`${made('setup-v1.34.2-x86_64.iso')}\n{SHA-256}${sum}\n`);
  });

  test('has programs below /opt/bin in its unit files, and no image is pulled again', async () => {
    const service = put('kubelet.service', '[Service]\nExecStart=/usr/bin/kubelet\n');
    await run([...six(), 'a'], { KUBELET_SERVICE: service });
    expect(await read('a-x86_64.iso', 'kubelet.service')).toBe('[Service]\nExecStart=/opt/bin/kubelet\n');
    expect(await read('a-x86_64.iso', '10-kubeadm.conf')).toMatch(
      /^ExecStart=\/opt\/bin\/kubelet .*KUBELET_EXTRA_ARGS$/m,
    );
    expect(await read('a-x86_64.iso', 'network.yaml')).toContain('imagePullPolicy: IfNotPresent');
    expect(await read('a-x86_64.iso', 'k8s/kubelet')).toBe('a kubelet');
    expect(await read('a-x86_64.iso', 'docker/pause:3.10.1.tar')).toBe('archive of registry.k8s.io/pause:3.10.1');
  });

  test('is named for its version when no name is given', async () => {
    expect((await run(six())).code).toBe(0);
    expect(existsSync(made('setup-v1.34.2-x86_64.iso'))).toBe(true);
  });

  test.each([
    ['in ninth place', ['n', 'amd64', '3.6.5'], 'n-x86_64.iso', 'etcd/etcd-linux-amd64.tar.gz'],
    [
      'in eighth place, as the user documentation has it',
      ['n', '3.6.5'],
      'n-x86_64.iso',
      'etcd/etcd-linux-amd64.tar.gz',
    ],
    ['of the other architecture', ['n', 'arm64', '3.6.5'], 'n-aarch64.iso', 'etcd/etcd-linux-arm64.tar.gz'],
  ])('holds etcd when its version is %s', async (_where, more, name, path) => {
    expect((await run([...six(), ...more])).code).toBe(0);
    expect(await filesOf(name)).toContain(path);
  });

  test('can do without dashboard, provider, autoscaler and CSI driver', async () => {
    const none = { PROVIDER_SOURCE: 'none', AUTOSCALER_SOURCE: 'none', CSI_CRDS_SOURCE: 'none', CSI_SOURCE: 'none' };
    const ended = await run([...six().slice(0, 5), 'none', 'bare'], none);
    expect(ended.code).toBe(0);
    const files = await filesOf('bare-x86_64.iso');
    expect(files.filter((each) => each.endsWith('.yaml'))).toEqual(['network.yaml']);
    await assertVersionMedium(made('bare-x86_64.iso'), 'it', '1.34.2');
  });

  test('holds the images of a list when one is given', async () => {
    const list = put('list', `# mine\n${OF_KUBEADM[2]}\n`);
    await run([...six(), 'listed'], { IMAGES_LIST: list });
    expect((await filesOf('listed-x86_64.iso')).filter((each) => each.startsWith('docker/'))).toEqual([
      'docker/pause:3.10.1.tar',
    ]);
  });

  test('has the images that a tool pulls, by their full names', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const skopeo = `#!/bin/bash\nto=\${*: -1}\nto=\${to#docker-archive:}\nprintf '%s' "$*" >"\${to%%.tar:*}.tar"\n`;
    writeFileSync(join(bin, 'skopeo'), skopeo, { mode: 0o755 });
    const list = put('list', 'library-image:1\nme/image:2@sha256:abc\n');
    const env = { IMAGES_LIST: list, IMAGES_SOURCE: '', PATH: `${bin}:${process.env['PATH']}` };
    expect((await run([...six(), 'pulled'], env)).code).toBe(0);
    expect(await read('pulled-x86_64.iso', 'docker/library-image:1.tar')).toContain(
      '--override-arch amd64 docker://docker.io/library/library-image:1 ',
    );
    expect(await read('pulled-x86_64.iso', 'docker/image:2.tar')).toMatch(
      /docker:\/\/docker.io\/me\/image@sha256:abc docker-archive:.*image:2.tar:docker.io\/me\/image:2$/,
    );
  });
});

describe('what is wrong', () => {
  const wrongs: [string, () => string[], Record<string, string>, RegExp][] = [
    ['too few arguments', () => ['a'], {}, /expected 6 to 9 arguments, found 1/],
    ['a version with a v', () => [six()[0]!, 'v1.34.2', ...six().slice(2)], {}, /KUBERNETES_VERSION: expected a version such as 1.34.2, without a v, found "v1.34.2"/],
    ['an unknown architecture', () => [...six(), 'n', 'mips'], {}, /ARCH: expected x86_64 or aarch64, found "mips"/],
    ['a name with a path', () => [...six(), '../n'], {}, /NAME: expected letters/],
    ['no output folder', () => ['/nowhere', ...six().slice(1)], {}, /there is no folder \/nowhere/],
    ['a missing source', six, { CNI_SOURCE: '/nowhere/cni.tgz' }, /CNI plugins: there is no file \/nowhere\/cni.tgz/],
    ['an archive that is none', six, { CRICTL_SOURCE: 'k8s/kubelet' }, /crictl: crictl-linux-amd64.tar.gz is no .tar.gz archive/],
    ['a missing image', six, { IMAGES_SOURCE: 'k8s' }, /image .*: there is no file .*k8s\/.*\.tar/],
    ['a network that is no manifest', () => [...six().slice(0, 4), file('k8s/kubelet'), 'none'], {}, /is no Kubernetes manifest/],
    ['a server that does not answer', six, { CNI_SOURCE: 'http://127.0.0.1:9/cni.tgz' }, /CNI plugins: cannot fetch http:\/\/127.0.0.1:9\/cni.tgz/],
  ]; // prettier-ignore
  test.each(wrongs)('%s is named, and no medium is left', async (_what, args, env, text) => {
    const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.startsWith('k8s') ? file(value) : value])); // prettier-ignore
    const ended = await run(args(), given);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(text);
    expect(existsSync(made('setup-v1.34.2-x86_64.iso'))).toBe(false);
  });

  test('a kubeadm of another version is refused', async () => {
    put('k8s/kubeadm', fakeKubeadm('1.34.1'));
    expect((await run(six())).stderr).toMatch(/kubeadm is of v1.34.1, expected v1.34.2/);
  });
});

test('--help says what every argument and variable is', async () => {
  const ended = await run(['--help']);
  expect(ended.code).toBe(0);
  for (const name of ['NETWORK', 'ETCD_VERSION', ...Object.keys(sources.env)]) expect(ended.stdout).toContain(name);
});

test.each(['create-kubernetes-binaries-iso.sh', 'build-template.sh'])('%s passes shellcheck', async (name) => {
  const said = await new Promise<string>((resolve) => {
    execFile('shellcheck', [join(root, 'scripts', name)], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  expect(said).toBe('');
});
