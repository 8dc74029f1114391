import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../scripts/build-template.sh', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cks-template-test-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'base.img'), 'a cloud image');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}
const run = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const PATH = `${join(folder, 'bin')}:${process.env['PATH']}`;
    execFile(SCRIPT, args, { env: { PATH, TMPDIR: folder } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
/** A program that writes down how it was called, and what its last argument should become. */
function fake(name: string, body = ''): void {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!/bin/bash\nprintf '%s\\n' "${name} $*" >>"${join(folder, 'calls')}"\n${body}\n`);
  chmodSync(path, 0o755);
}
const output = () => join(folder, 'node.qcow2');

test('--dry-run shows every step and the whole script, and leaves nothing behind', async () => {
  const { code, stdout } = await run('--dry-run', '--output', output(), '--package', 'nfs-common');
  expect(code).toBe(0);
  for (const wanted of ['debian-12-genericcloud-amd64.qcow2', 'virt-customize -a', 'qemu-img resize', 'virt-sparsify'])
    expect(stdout).toContain(wanted);
  const inside = ['cloud-init', 'conntrack', 'containerd.io', 'nfs-common', 'useradd -m -s /bin/bash cloud', 'cloud ALL=(ALL) NOPASSWD:ALL', '/opt/bin', 'datasource_list: [NoCloud, None]', 'SystemdCgroup = true', 'br_netfilter', 'truncate -s 0 /etc/machine-id']; // prettier-ignore
  for (const wanted of inside) expect(stdout).toContain(wanted);
  expect(readdirSync(folder).sort()).toEqual(['base.img', 'bin']);
});

test('the image gets what the user documentation lists for a template of one', async () => {
  const { stdout } = await run('--dry-run', '--output', output());
  // gnupg-agent is called gpg-agent by now.
  const packages = 'cloud-init cloud-guest-utils conntrack apt-transport-https ca-certificates curl gnupg gpg-agent software-properties-common lsb-release python3-json-pointer python3-jsonschema containerd.io'; // prettier-ignore
  const installed = [...stdout.matchAll(/apt-get install -y --no-install-recommends ([^;\n]+)/g)].flatMap(([, names]) => names!.split(' ')); // prettier-ignore
  expect(installed).toEqual(expect.arrayContaining(packages.split(' ')));
  for (const step of [
    'useradd -m -s /bin/bash cloud',
    "echo 'cloud ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/cloud",
    'install -d -m 0755 /opt/bin',
  ])
    expect(stdout).toContain(step);
});

test('the image is converted, customized with the scripts in order, and sparsified', async () => {
  writeFileSync(join(folder, 'mine.sh'), 'true');
  fake('qemu-img', '[[ $1 != convert ]] || cp "${@: -2:1}" "${@: -1}"');
  fake('virt-customize', `cp "\${@: -3:1}" "${join(folder, 'ran.sh')}"`);
  fake('virt-sparsify', 'cp "${@: -2:1}" "${@: -1}"');
  const { code, stdout } = await run('--output', output(), '--base', join(folder, 'base.img'), '--size', '6', '--run', join(folder, 'mine.sh'), '--containerd', 'containerd'); // prettier-ignore
  expect(code).toBe(0);
  const sum = createHash('sha256').update('a cloud image').digest('hex');
  expect(stdout).toBe(`${output()}\n{SHA-256}${sum}\n`);
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  expect(calls.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(['qemu-img convert', 'qemu-img resize', 'virt-customize -a', 'virt-sparsify --compress']); // prettier-ignore
  expect(calls[1]).toMatch(/ 6G$/);
  const script = readFileSync(join(folder, 'ran.sh'), 'utf8');
  expect(script).toMatch(/^apt-get install -y --no-install-recommends containerd$/m);
  expect(readdirSync(folder).filter((name) => name.startsWith('cks-template-'))).toEqual([]);
});

test('a fetched base with another checksum is refused', async () => {
  fake('curl', 'while (($# > 0)); do [[ $1 != -o ]] || { echo fetched >"$2"; exit; }; shift; done');
  for (const name of ['qemu-img', 'virt-customize', 'virt-sparsify']) fake(name);
  const { code, stderr } = await run('--output', output(), '--base', 'http://mirror.example/x.qcow2', '--checksum', 'ab'.repeat(64)); // prettier-ignore
  expect(code).toBe(1);
  expect(stderr).toMatch(/http:\/\/mirror.example\/x.qcow2 does not have SHA-512 abab/);
  expect(existsSync(output())).toBe(false);
});

test.each([
  [[], /--output is missing/],
  [['--output', 'x.img'], /expected a name that ends in .qcow2 or .tar.gz, found "x.img"/],
  [['--output', 'x.qcow2', '--arch', 'mips'], /--arch: expected x86_64 or aarch64/],
  [['--output', 'x.qcow2', '--size', 'big'], /--size: expected whole GB, found "big"/],
  [['--output', 'x.qcow2', '--run', '/nowhere'], /there is no file \/nowhere/],
  [['--output'], /--output needs a value/],
  [['--wrong'], /unknown option "--wrong"/],
])('%j is refused with what is wrong', async (args, text) => {
  const ended = await run(...args);
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(text)]);
});
