import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../db/project-root.js';
import { CNI_PLUGINS, COREDNS, CRICTL, ETCDCTL, FLANNEL, mediumOf, nodeRoot, type Minor } from './versions.js';

const FOLDER = join(projectRoot(), 'lab');

/** Programs of each Go module, as `build/programs.sh` leaves them. */
const modulesOf = ({ kubernetes, etcd }: Minor): [name: string, version: string, last: string][] => [
  ['kubernetes', kubernetes, 'kubectl'],
  ['etcd', etcd, 'etcd'],
  ['etcdctl', ETCDCTL, 'etcdctl'],
  ['cni', CNI_PLUGINS, 'firewall'],
  ['coredns', COREDNS, 'coredns'],
  ['flannel', FLANNEL, 'flanneld'],
  ['crictl', CRICTL, 'crictl'],
];

/** Go modules of a version whose programs are not in the cache. */
export const unbuilt = (cache: string, minor: Minor): string[] =>
  modulesOf(minor)
    .filter(([name, version, last]) => !existsSync(join(cache, name, version, last)))
    .map(([name, version]) => `${name} ${version}`);

/** Leaves the node's root file system and the medium of a version in the cache; what is there and still made of the same files stays. */
export async function build(cache: string, minor: Minor, say: (line: string) => void): Promise<void> {
  mkdirSync(cache, { recursive: true });
  for (const [name, version] of modulesOf(minor)) await script('programs.sh', [cache, name, version], say);
  const root = nodeRoot(cache);
  await once(root, ['build/node-root.sh', 'node'], () => script('node-root.sh', [root], say));
  const { kubernetes, etcd } = minor;
  await once(mediumOf(cache, minor), ['build', '../scripts/create-kubernetes-binaries-iso.sh'], () =>
    script('medium.sh', [cache, kubernetes, etcd, ETCDCTL, COREDNS, CNI_PLUGINS, CRICTL, FLANNEL, root], say),
  );
}

/** Makes a file anew when it is absent or what it is made with has changed. */
async function once(file: string, sources: string[], make: () => Promise<void>): Promise<void> {
  const mark = `${file}.made-of`;
  const wanted = digest(sources);
  if (existsSync(file) && existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  await make();
  writeFileSync(mark, wanted);
}

function digest(sources: string[]): string {
  const hash = createHash('sha256');
  for (const source of sources) for (const file of filesOf(join(FOLDER, source))) hash.update(readFileSync(file));
  return hash.digest('hex');
}

const filesOf = (path: string): string[] => {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch {
    return [path];
  }
};

const script = (name: string, words: string[], say: (line: string) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(join(FOLDER, 'build', name), words, { stdio: ['ignore', 'inherit', 'pipe'] });
    let last = '';
    child.stderr.on('data', (part: Buffer) => {
      for (const line of part.toString().split('\n').filter(Boolean)) {
        last = line;
        if (!line.startsWith('go: ')) say(line);
      }
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`lab/build/${name} ended with ${code}: ${last}`)))); // prettier-ignore
  });
