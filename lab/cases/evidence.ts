import assert from 'node:assert/strict';
import { LabCluster, CREATE_SECONDS } from '../cluster.js';
import { FIRST } from '../versions.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;
const BREAK = `set -e; folder=/etc/systemd/system/containerd.service.d; mkdir -p $folder
printf '[Service]\\nExecStartPre=/bin/false\\n' >$folder/broken.conf
systemctl daemon-reload; systemctl stop containerd`;
const MEND = 'rm -r /etc/systemd/system/containerd.service.d && systemctl daemon-reload';

export const evidenceOfFailure: LabCase = {
  name: 'containerd that does not start fails a create: job and operation tell the unit, its log, disk and clock; once it is mended, resume finishes',
  features: ['create', 'evidence', 'resume'],
  async run(world, say) {
    const { cluster, job } = await LabCluster.begin(world, { name: 'broken', version });
    await cluster.reaches(job, 'node.install');
    const control = cluster.machines().find(({ role }) => role === 'control')!;
    await cluster.inNode(control, 'bash', '-c', BREAK);
    const { job_status, job_result } = await world.jobEnds(job, CREATE_SECONDS);
    const said = String(job_result);
    say(`the job says: ${said}`);
    assert.equal(job_status, 2);
    for (const words of [control.name, 'install Kubernetes', 'containerd.service', 'clock: 20'])
      assert(said.includes(words), `the job's error tells of ${words}: ${said}`);

    const operation = await world.first('listKubernetesClusterOperations', { kubernetesclusterid: cluster.id });
    const evidence = (operation['evidence'] as Record<string, string>[]).find(({ node }) => node === control.name);
    assert.match(String(evidence?.['units']), /containerd\.service .*(failed|activating)/);
    assert.match(String(evidence?.['containerd']), /containerd\.service: .*exit/);
    assert.match(String(evidence?.['disk']), /% \//);
    for (const subject of ['runs', 'cloud_init', 'memory', 'clock'])
      assert(evidence?.[subject], `the operation has evidence of ${subject}`);

    await cluster.inNode(control, 'bash', '-c', MEND);
    await cluster.change('resumeKubernetesClusterOperation', { kubernetesclusterid: cluster.id });
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version });
    for (const [machine, runs] of Object.entries(cluster.kubeadmRuns())) assert.equal(runs.length, 1, `runs of kubeadm on ${machine}: ${runs.join(', ')}`); // prettier-ignore
    await cluster.delete();
    cluster.expectNothingLeft();
  },
};
