import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SCRIPT = fileURLToPath(new URL('../../scripts/create-kubernetes-binaries-iso.sh', import.meta.url));

export const CSI_IMAGE = 'quay.io/csi/driver:v3.0.0';
export const MANIFEST_IMAGES = ['ghcr.io/flannel-io/flannel:v0.27.4', 'docker.io/kubernetesui/dashboard:v2.7.0', CSI_IMAGE]; // prettier-ignore
export const kubeadmImages = (version: string): string[] => [
  `registry.k8s.io/kube-apiserver:v${version}`,
  'registry.k8s.io/coredns/coredns:v1.12.1',
  'registry.k8s.io/pause:3.10.1',
];

const manifest = (image: string) =>
  `apiVersion: apps/v1\nkind: DaemonSet\nspec:\n  containers:\n    - name: x\n      image: "${image}" # newest\n      imagePullPolicy: Always\n`;
export const fakeKubeadm = (version: string): string =>
  `#!/bin/sh\ncase "$1" in\nversion) echo v${version} ;;\nconfig) printf '%s\\n' ${kubeadmImages(version).join(' ')} ;;\nesac\n`;
export const imageFile = (reference: string): string => `images/${reference.split('/').at(-1)}.tar`;

/** Files that stand in for everything that `scripts/create-kubernetes-binaries-iso.sh` fetches. */
export class MediumSources {
  /** What the script is told of them. */
  readonly env: Record<string, string>;

  constructor(
    readonly folder: string,
    private readonly version: string,
  ) {
    this.put('k8s/kubeadm', fakeKubeadm(version), 0o755);
    for (const name of ['kubelet', 'kubectl']) this.put(`k8s/${name}`, `a ${name}`);
    for (const image of [...kubeadmImages(version), ...MANIFEST_IMAGES]) this.put(imageFile(image), `archive of ${image}`); // prettier-ignore
    this.env = {
      KUBERNETES_SOURCE: this.file('k8s'),
      CNI_SOURCE: `file://${this.#archive('cni.tgz')}`,
      CRICTL_SOURCE: this.#archive('crictl.tgz'),
      ETCD_SOURCE: this.#archive('etcd.tgz'),
      PROVIDER_SOURCE: this.put('provider.yaml', 'kind: Deployment\n'),
      AUTOSCALER_SOURCE: this.put('autoscaler.yaml', 'kind: Deployment\n'),
      CSI_CRDS_SOURCE: this.put('crds.yaml', 'kind: CustomResourceDefinition\n'),
      CSI_SOURCE: this.put('csi.yaml', manifest(CSI_IMAGE)),
      IMAGES_SOURCE: this.file('images'),
    };
    this.put('network.yaml', manifest(MANIFEST_IMAGES[0]!));
    this.put('dashboard.yaml', manifest(MANIFEST_IMAGES[1]!));
  }

  file = (name: string): string => join(this.folder, name);

  put(name: string, text: string, mode = 0o644): string {
    const path = this.file(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  /** The arguments that the script needs at least. */
  arguments(output: string): string[] {
    return [output, this.version, '1.8.0', '1.34.0', this.file('network.yaml'), this.file('dashboard.yaml')];
  }

  #archive(name: string): string {
    this.put('packed/program', 'a program', 0o755);
    execFileSync('tar', ['-czf', this.file(name), '-C', this.file('packed'), 'program']);
    return this.file(name);
  }
}

/** The medium of a version as an admin without network makes it, with etcd's version in eighth place as the user documentation has it. */
export function makeMedium(folder: string, version: string): { content: Buffer; checksum: string } {
  const sources = new MediumSources(join(folder, 'sources'), version);
  const out = join(folder, 'out');
  mkdirSync(out);
  const said = execFileSync(SCRIPT, [...sources.arguments(out), `setup-v${version}`, '3.6.5'], {
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: folder, ...sources.env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const file = join(out, `setup-v${version}-x86_64.iso`);
  const content = readFileSync(file);
  const checksum = `{SHA-256}${createHash('sha256').update(content).digest('hex')}`;
  if (said.toString() !== `${file}\n${checksum}\n`) throw new Error(`the script said ${said.toString()}`);
  return { content, checksum };
}
