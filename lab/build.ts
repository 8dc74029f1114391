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

/** What comes from outside, Go modules and Debian packages, could not be had or made in time: the machine's lack, not the project's. */
export class OutsideLacking extends Error {}

/**
 * Leaves the node's root file system and the medium of a version in the cache; what is there and still made of the same files stays.
 * `end`: when programs have to be there, as milliseconds of `Date.now()`. Throws `OutsideLacking`; another error is the project's own.
 */
export async function build(cache: string, minor: Minor, say: (line: string) => void, end?: number): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const fromOutside = (name: string, words: string[]) =>
    script(name, words, say, end).catch((error: Error) => {
      throw new OutsideLacking(error.message);
    });
  for (const [name, version] of modulesOf(minor)) await fromOutside('programs.sh', [cache, name, version]);
  const { root, medium } = productsOf(cache, minor);
  await once(root, () => fromOutside('node-root.sh', [root.file]));
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

/** Runs a script of `build/`; past `end` it is ended with all that it started. */
const script = (name: string, words: string[], say: (line: string) => void, end?: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const program = join(FOLDER, 'build', name);
    const seconds = end === undefined ? 0 : Math.max(1, Math.round((end - Date.now()) / 1000));
    const limited = seconds > 0 ? ['timeout', '--kill-after=5', String(seconds), program] : [program];
    const [first = '', ...rest] = [...limited, ...words];
    const child = spawn(first, rest, { stdio: ['ignore', 'inherit', 'pipe'] });
    let last = '';
    child.stderr.on('data', (part: Buffer) => {
      for (const line of part.toString().split('\n').filter(Boolean)) {
        last = line;
        if (!line.startsWith('go: ')) say(line);
      }
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else if (seconds > 0 && (code === 124 || code === 137))
        reject(new Error(`the time for building ended in lab/build/${name}: ${last}`)); // prettier-ignore
      else reject(new Error(`lab/build/${name} ended with ${code}: ${last}`));
    });
  });
