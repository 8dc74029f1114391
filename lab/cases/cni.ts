import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';
import { LabCluster } from '../cluster.js';
import { FIRST, FLANNEL } from '../versions.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;

export const ownNetwork: LabCase = {
  name: 'create 1+1 with a CNI configuration: a cloud-config fragment, its parameters filled, in place of the default network',
  features: ['CNI configuration', 'cks-node cni'],
  async run(world) {
    const cniconfig = Buffer.from(fragment()).toString('base64');
    await world.cs('registerCniConfiguration', { name: 'routed', cniconfig, params: 'BACKEND,INTERVAL' });
    const { id } = await world.first('listCniConfiguration', { name: 'routed' });
    const more = {
      cniconfigurationid: String(id),
      'cniconfigdetails[0].BACKEND': 'host-gw',
      'cniconfigdetails[0].INTERVAL': '4',
    };
    const cluster = await LabCluster.create(world, { name: 'own-network', version, more });
    await cluster.expectHealthy({ version });
    await cluster.expectServes();
    const { data } = await cluster.get<{ data: Record<string, string> }>('-n', 'kube-flannel', 'configmap', 'kube-flannel-cfg'); // prettier-ignore
    assert.match(data['net-conf.json']!, /"Type": "host-gw"/);
    for (const machine of cluster.machines()) {
      const links = await cluster.onNode(machine, 'ip', '-o', 'link');
      assert(!links.includes('flannel'), `${machine.name} has no link of the default network`);
    }
    const [one, other] = cluster.machines();
    assert.match(await cluster.onNode(one!, 'ip', 'route'), new RegExp(`10\\.244\\.\\d+\\.0/24 via ${other!.ip_address} `)); // prettier-ignore
    await cluster.delete();
    cluster.expectNothingLeft();
    await world.cs('deleteCniConfiguration', { id: String(id) });
  },
};

/** The network of the medium with another backend, as a user's fragment: what continues `runcmd` of a cloud-config. */
function fragment(): string {
  const manifest = readFileSync(join(projectRoot(), 'lab/build/network.yaml'), 'utf8')
    .replace(':FLANNEL\n', `:v${FLANNEL}\n`)
    .replace('"Type": "vxlan"', '"Type": "{{ ds.meta_data.BACKEND }}"');
  const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '      ');
  return `#cloud-config
write_files:
  - path: /home/cloud/routed.yaml
    content: |
${indented(manifest)}
runcmd:
  - until [ -f /home/cloud/success ]; do sleep {{ ds.meta_data.INTERVAL }}; done
  - [sudo, /opt/bin/kubectl, apply, -f, /home/cloud/routed.yaml]
`;
}
