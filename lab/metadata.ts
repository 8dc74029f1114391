import assert from 'node:assert/strict';
import { join } from 'node:path';
import { projectRoot } from '../db/project-root.js';
import type { LabCluster } from './cluster.js';
import { HERE } from './world.js';

const METADATA = '169.254.169.254';
const POLICY = join(projectRoot(), 'docs/operate/deny-metadata-access.yaml');
const SECONDS = 36_001;

/**
 * A pod reaches what there is beyond its gateway, but not the metadata server of a platform that the gateway host is a machine of
 * (decision 0014). Kubernetes takes the policy that is documented for networks without a gateway.
 */
export async function expectNoMetadata(cluster: LabCluster): Promise<void> {
  const { world } = cluster;
  const asked = (address: string): [string, ...string[]] => [
    'curl',
    '-sS',
    '-m',
    '5',
    '-o',
    '/dev/null',
    `http://${address}/`,
  ];
  const [other, metadata] = [`${HERE}:81`, METADATA];
  world.libvirt.inside('ip', 'address', 'replace', `${METADATA}/32`, 'dev', 'lo');
  for (const at of [other, `${metadata}:80`])
    world.begin(join(world.folder, 'metadata.log'), 'busybox', ['httpd', '-f', '-p', at, '-h', world.folder]);
  const answers = () => world.run(...asked(metadata)).then(() => true, (error: Error) => error.message); // prettier-ignore
  await world.until('the metadata server answers its own machine', answers, 10);

  await cluster.apply(ASKER);
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/metadata', '--timeout=120s');
  const pod = (await world.run('pgrep', '-f', `^/bin/busybox sleep ${SECONDS}$`)).trim();
  const asks = (address: string) => world.run('nsenter', '-t', pod, '-n', ...asked(address));
  await asks(other);
  await assert.rejects(asks(metadata), /timed out/i, 'a pod asks the metadata server');
  await cluster.kubectl('delete', 'pod/metadata', '--wait=true', '--grace-period=1', '--timeout=90s');

  await cluster.kubectl('apply', '-f', POLICY);
  await cluster.kubectl('delete', '-f', POLICY);
}

const ASKER = `
apiVersion: v1
kind: Pod
metadata: {name: metadata}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: asker, image: lab.cks/busybox:lab, command: [/bin/busybox, sleep, '${SECONDS}']}]
`;
