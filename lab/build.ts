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

/** A file of the cache, and what in the repository it is made with. */
export interface Product {
  name: string;
  file: string;
  sources: readonly string[];
}
export const productsOf = (cache: string, minor: Minor): { root: Product; medium: Product } => ({
  root: { name: 'the root of nodes', file: nodeRoot(cache), sources: ['build/node-root.sh', 'node'] },
  medium: {
    name: `the medium of ${minor.kubernetes}`,
    file: mediumOf(cache, minor),
    sources: ['build', '../scripts/create-kubernetes-binaries-iso.sh'],
  },
});

/** What `build` would make: programs that are not in the cache, and products that are absent or made with other sources. */
export function unbuilt(cache: string, minor: Minor): string[] {
  const programs = modulesOf(minor).filter(([name, version, last]) => !existsSync(join(cache, name, version, last)));
  const products = Object.values(productsOf(cache, minor)).filter((product) => !isMade(product));
  return [...programs.map(([name, version]) => `${name} ${version}`), ...products.map(({ name }) => name)];
}

/** Leaves the node's root file system and the medium of a version in the cache; what is there and still made of the same files stays. */
export async function build(cache: string, minor: Minor, say: (line: string) => void): Promise<void> {
  mkdirSync(cache, { recursive: true });
  for (const [name, version] of modulesOf(minor)) await script('programs.sh', [cache, name, version], say);
  const { root, medium } = productsOf(cache, minor);
  await once(root, () => script('node-root.sh', [root.file], say));
  const { kubernetes, etcd } = minor;
  await once(medium, () =>
    script('medium.sh', [cache, kubernetes, etcd, ETCDCTL, COREDNS, CNI_PLUGINS, CRICTL, FLANNEL, root.file], say),
  );
}

const markOf = ({ file }: Product): string => `${file}.made-of`;

const isMade = (product: Product): boolean =>
  existsSync(product.file) &&
  existsSync(markOf(product)) &&
  readFileSync(markOf(product), 'utf8') === digest(product.sources);

/** Makes a file anew when it is absent or what it is made with has changed. */
export async function once(product: Product, make: () => Promise<void>): Promise<void> {
  if (isMade(product)) return;
  const wanted = digest(product.sources);
  await make();
  writeFileSync(markOf(product), wanted);
}

function digest(sources: readonly string[]): string {
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
