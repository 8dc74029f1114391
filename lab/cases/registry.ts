import assert from 'node:assert/strict';
import { LabCluster } from '../cluster.js';
import { LabRegistry } from '../registry.js';
import { FIRST } from '../versions.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;

export const privateRegistry: LabCase = {
  name: "create 1+1 with a private registry: pods run an image of it by containerd's own files, without a secret",
  features: ['private registry', 'cks-node registry'],
  needs: ['docker-registry'],
  async run(world) {
    const registry = await LabRegistry.start(world);
    const { url: dockerregistryurl, username: dockerregistryusername, password: dockerregistrypassword } = registry;
    assert.equal(await registry.asks(world, ''), '401', 'nobody gets in without a password');
    await world.cs('updateConfiguration', { name: 'cloud.kubernetes.cluster.experimental.features.enabled', value: 'true' }); // prettier-ignore
    const more = { dockerregistryurl, dockerregistryusername, dockerregistrypassword };
    const cluster = await LabCluster.create(world, { name: 'private', version, more });
    await cluster.expectHealthy({ version });

    const image = `${registry.host}/team/busybox:1`;
    const control = cluster.machines().find(({ role }) => role === 'control')!;
    const ctr = (...words: string[]) => cluster.inNode(control, 'ctr', '-n', 'k8s.io', 'images', ...words);
    await ctr('tag', 'lab.cks/busybox:lab', image);
    await ctr('push', '--plain-http', '--user', `${registry.username}:${registry.password}`, image);
    await ctr('rm', image);
    await cluster.apply(POD.replace('IMAGE', image));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/pulled', '--timeout=120s');
    const { status } = await cluster.get<{ status: { containerStatuses: { imageID: string }[] } }>('pod', 'pulled');
    assert.match(status.containerStatuses[0]!.imageID, new RegExp(`^${registry.host}/team/busybox@sha256:`));
    await cluster.kubectl('delete', 'pod/pulled', '--grace-period=1');
    await cluster.expectServes();
    await cluster.delete();
    cluster.expectNothingLeft();
  },
};

/** The image is nowhere but in the registry, so what runs was pulled. */
const POD = `
apiVersion: v1
kind: Pod
metadata: {name: pulled}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: pulled, image: 'IMAGE', imagePullPolicy: Always, command: [/bin/busybox, sleep, '36000']}]
`;
