import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../structure/sources.js';

/** What the pages give to be pasted is taken by the programs that it is for. */
const folder = path.join(root, 'docs/operate');
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

let work: string;
beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'cks-pasted-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));
const run = (program: string, args: string[], input = '') => {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env: { PATH }, encoding: 'utf8', input });
  if (error) throw error;
  return { status, said: stdout + stderr };
};

const blocks = pages.flatMap(
  (name) =>
  [...read(name).matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, text = ''], i): [string, string] => [`${name} ${i + 1}`, text]), // prettier-ignore
);
test('every block of commands is one for a shell', () => {
  expect(blocks.length).toBeGreaterThan(25);
  const wrong = blocks.map(([name, text]) => ({ name, ...run('bash', ['-n'], text) })).filter(({ status }) => status !== 0); // prettier-ignore
  expect(wrong).toEqual([]);
});

test('haproxy takes the configuration of the balancer before API servers', () => {
  const config = /^```\n(global\n[\s\S]*?)^```/m.exec(read('production.md'))![1]!;
  const pem = path.join(work, 'cks.pem');
  const [key, cert] = [path.join(work, 'key'), path.join(work, 'cert')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=cks', '-days', '1'], { stdio: 'pipe' }); // prettier-ignore
  writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  const file = path.join(work, 'haproxy.cfg');
  writeFileSync(file, config.replace('/etc/haproxy/cks.pem', pem));
  expect(run('haproxy', ['-c', '-f', file])).toMatchObject({ status: 0 });
});

test('nft takes the firewall between hosts, and takes it again', () => {
  const rules = /cks-vxlan\.nft <<'EOF'\n([\s\S]*?)^EOF/m.exec(read('real-zone.md'))![1]!;
  const file = path.join(work, 'cks-vxlan.nft');
  writeFileSync(file, rules);
  // In a network namespace of its own, as root.
  const twice = run('unshare', ['--net', 'sh', '-ec', `nft -f ${file}; nft -f ${file}; nft list ruleset`]);
  expect(twice).toMatchObject({ status: 0, said: expect.stringContaining('udp dport 4789 ip saddr != @hosts drop') as string }); // prettier-ignore
});

test('the shorthand for the first id of an answer finds it', () => {
  const first = /^first\(\) \{.*\}$/m.exec(read('real-zone.md'))![0];
  const answer = JSON.stringify({ count: 2, zone: [{ id: 'one' }, { id: 'two' }] });
  expect(run('bash', ['--norc', '-c', `${first}\nfirst`], answer)).toEqual({ status: 0, said: 'one\n' });
});
