import { domainsOf, expectGone, expectHealthy, NO_TRACES, nodeRows, tracesOf, versionAfter } from './facts.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
const machines = (stack: Stack, id: string, role: string) =>
  stack
    .rows<{ uuid: string; name: string; role: string }>(
      'SELECT v.uuid, v.name, m.role FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id WHERE m.cluster_id = ? ORDER BY m.id',
      id,
    )
    .filter((one) => one.role === role);

describeStack('a cluster', { profile: 'instant' }, (scenario) => {
  scenario(
    'grows, shrinks, stops, starts, is upgraded, gets a node replaced, and goes without a trace',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 2);
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);

      expect(await stack.run('scaleKubernetesCluster', { id, size: '4' })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 4);
      const second = machines(stack, id, 'worker')[1]!;
      expect(await stack.run('scaleKubernetesCluster', { id, nodeids: second.uuid })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 3);
      expect(await stack.run('scaleKubernetesCluster', { id, size: '2' })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 2);

      expect(await stack.run('stopKubernetesCluster', { id })).toMatchObject(OK);
      expect(stack.cluster(id).state).toBe('Stopped');
      const off = (await stack.world()).domains.filter(({ clusterId }) => clusterId === id);
      expect(off.map(({ state }) => state)).toEqual(['shut off', 'shut off', 'shut off']);
      expect(nodeRows(stack, id).map(({ state }) => state)).toEqual(['Stopped', 'Stopped', 'Stopped']);
      expect(await stack.run('startKubernetesCluster', { id })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 2);

      const target = versionAfter(stack, id)!;
      expect(await stack.run('upgradeKubernetesCluster', { id, kubernetesversionid: target.uuid })).toMatchObject(OK);
      expect(await stack.kubectl(id, 'get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.kubeletVersion}')).toBe(
        Array(3).fill(`v${target.semantic_version}`).join(' '),
      );
      await expectHealthy(stack, id, 1, 2);

      const worker = machines(stack, id, 'worker')[0]!;
      expect(await stack.run('replaceKubernetesNode', { id, nodeid: worker.uuid })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 2);
      expect(domainsOf(await stack.world(), id)).not.toContain(worker.name);

      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
      await expectGone(stack, id);
    },
    120,
  );

  scenario(
    'with three control nodes and etcd of its own is scaled to larger machines, upgraded and loses a control node',
    async (stack) => {
      const parameters = await stack.createParameters(3, 1);
      const { id, jobid } = (await stack.call('createKubernetesCluster', { ...parameters, etcdnodes: '3' })) as {
        id: string;
        jobid: string;
      };
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);
      expect(machines(stack, id, 'etcd')).toHaveLength(3);
      const target = versionAfter(stack, id)!;
      expect(await stack.run('upgradeKubernetesCluster', { id, kubernetesversionid: target.uuid })).toMatchObject(OK);
      const large = stack.rows<{ uuid: string }>(`SELECT uuid FROM service_offering WHERE name = 'large'`)[0]!;
      expect(await stack.run('scaleKubernetesCluster', { id, serviceofferingid: large.uuid })).toMatchObject(OK);
      expect(stack.cluster(id)).toMatchObject({ state: 'Running', service_offering_id: large.uuid, cores: 7 * 8 });
      const control = machines(stack, id, 'control')[1]!;
      expect(await stack.run('scaleKubernetesCluster', { id, nodeids: control.uuid })).toMatchObject(OK);
      expect(stack.cluster(id).control_node_count).toBe(2);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
      expect(await tracesOf(stack, id)).toEqual(NO_TRACES);
    },
    120,
  );

  scenario(
    'given a larger offering replaces the worker whose host is full, and resumed goes on with what it began, though the room is gone',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 2);
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);
      const fill = (host: string) => stack.write(`UPDATE host SET cpus = cpus_used WHERE uuid = '${host}'`);
      const placed = () =>
        stack.rows<{ uuid: string; host_id: string; name: string; offering: string }>(
          `SELECT v.uuid, v.host_id, v.name, o.name AS offering FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id
           JOIN service_offering o ON o.uuid = v.service_offering_id WHERE m.cluster_id = ? AND m.role = 'worker' ORDER BY m.role_index`,
          id,
        );
      const [first, second] = placed();
      expect(first!.host_id).not.toBe(second!.host_id);

      fill(first!.host_id);
      await stack.breaks({ on: 'hypervisor', match: 'domain.resize', kind: 'failForGood', times: 1 });
      const { uuid: medium } = stack.row<{ uuid: string }>(`SELECT uuid FROM service_offering WHERE name = 'medium'`);
      const larger = { id, 'nodeofferings[0].node': 'worker', 'nodeofferings[0].offering': medium };
      expect(await stack.run('scaleKubernetesCluster', larger)).toMatchObject({ jobstatus: 2 });
      expect(stack.cluster(id).reason).toMatch(/^worker-2: change to medium: /);
      fill(second!.host_id);
      expect(await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).toMatchObject(OK);

      expect(placed()).toEqual([
        { ...second, offering: 'medium' },
        { uuid: expect.any(String) as string, name: expect.any(String) as string, host_id: expect.any(String) as string, offering: 'medium' },
      ]); // prettier-ignore
      expect(placed()[1]!.host_id).not.toBe(first!.host_id);
      expect(domainsOf(await stack.world(), id)).not.toContain(first!.name);
      await expectHealthy(stack, id, 1, 2);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
      await expectGone(stack, id);
      expect(stack.row('SELECT SUM(cpus_used) AS cpus FROM host')).toEqual({ cpus: 0 });
    },
    120,
  );
});
