import { homedir } from 'node:os';
import { join } from 'node:path';

/** What one Kubernetes version's nodes run: etcd is the one that its kubeadm asks for. */
export interface Minor {
  kubernetes: string;
  etcd: string;
}

export const MINORS = [
  { kubernetes: '1.33.13', etcd: '3.5.24' },
  { kubernetes: '1.34.4', etcd: '3.6.5' },
] as const satisfies readonly Minor[];
export const [FIRST, NEXT] = MINORS;

/** Programs that stand in for those of each minor: one build less, and not all releases are to be had as modules. */
export const COREDNS = '1.12.1';
export const ETCDCTL = '3.6.5';

export const CNI_PLUGINS = '1.7.1';
export const CRICTL = '1.34.0';
export const FLANNEL = '0.27.4';

/** What runs in a case, by program; `next` only where it upgrades. */
export const versionsOf = ({ next }: { next?: boolean }): Record<string, string> => ({
  kubernetes: FIRST.kubernetes,
  ...(next && { next: NEXT.kubernetes }),
  etcd: next ? `${FIRST.etcd}, ${NEXT.etcd}` : FIRST.etcd,
  coredns: COREDNS,
  cniPlugins: CNI_PLUGINS,
  crictl: CRICTL,
  flannel: FLANNEL,
});

/** Where what was built stays: a build takes a quarter of an hour for each version. */
export const labCache = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'cks', 'lab');

export const nodeRoot = (cache: string): string => join(cache, 'node-root.tar');
export const pauseImage = (cache: string, { kubernetes }: Minor): string =>
  join(cache, 'images', kubernetes, 'pause:3.10.tar');
export const mediumOf = (cache: string, { kubernetes }: Minor): string =>
  join(cache, 'media', `setup-v${kubernetes}-x86_64.iso`);
