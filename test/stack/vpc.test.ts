import type { Answer } from '../../scripts/client.js';
import { heldRows, NO_TRACES, NOTHING_HELD, tracesOf } from './facts.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
const named = (stack: Stack, table: string, name: string) =>
  stack.row<{ uuid: string }>(`SELECT uuid FROM ${table} WHERE name = ?`, name).uuid;

describeStack('clusters of a project in a VPC', { profile: 'instant' }, (scenario) => {
  scenario(
    'each have a tier, an address of their own and their rules in its ACL; they grow and shrink, and one that goes leaves the other alone',
    async (stack) => {
      const done = async (command: string, parameters: Record<string, string>) => {
        const job = await stack.run(command, parameters);
        expect(job).toMatchObject(OK);
        return job.jobresult as Answer;
      };
      const { project } = await done('createProject', { name: 'shop' });
      const projectid = String(project.id);
      const defaults = await stack.createParameters(1, 1);
      const zoneid = defaults['zoneid']!;
      const vpcofferingid = String((await stack.call('listVPCOfferings'))['vpcoffering'][0].id);
      const { vpc } = await done('createVPC', { name: 'shop', cidr: '10.1.0.0/16', vpcofferingid, zoneid, projectid });
      const vpcid = String(vpc.id);
      const tier = async (third: number) => {
        const { networkacllist } = await done('createNetworkACLList', { name: `tier-${third}`, vpcid });
        const aclid = String(networkacllist.id);
        await done('createNetworkACL', { aclid, protocol: 'tcp', startport: '80', endport: '80', number: '1' });
        const { network } = await stack.call('createNetwork', {
          name: `tier-${third}`, zoneid, vpcid, aclid, projectid, gateway: `10.1.${third}.1`, netmask: '255.255.255.0',
          networkofferingid: named(stack, 'network_offerings', 'DefaultIsolatedNetworkOfferingForVpcNetworks'),
        }); // prettier-ignore
        return { networkid: String(network.id), aclid };
      };
      const create = async (name: string, controls: number, networkid: string) => {
        const asked = { ...(await stack.createParameters(controls, 1, name)), projectid, networkid };
        const { id, jobid } = (await stack.call('createKubernetesCluster', asked)) as { id: string; jobid: string };
        expect(await stack.jobEnd(jobid)).toMatchObject(OK);
        return id;
      };
      const ports = (aclid: string) =>
        stack
          .rows<{ start_port: number }>('SELECT start_port FROM network_acl_item WHERE acl_id = ? ORDER BY number', aclid)
          .map(({ start_port }) => start_port); // prettier-ignore
      const nodes = async (id: string) => (await stack.kubectl(id, 'get', 'nodes', '-o', 'name')).trim().split('\n');

      /** Its tier, which is the user's, stays. */
      const expectGone = async (id: string) => {
        expect(heldRows(stack, id)).toEqual(NOTHING_HELD);
        expect(await tracesOf(stack, id)).toEqual({ ...NO_TRACES, networks: [expect.anything()] });
      };

      const [first, second] = [await tier(1), await tier(2)];
      const [web, data] = [await create('web', 1, first.networkid), await create('data', 3, second.networkid)];
      const { kubernetescluster } = await stack.call('listKubernetesClusters', { projectid });
      const clusters = kubernetescluster as { name: string; state: string; project: string; endpoint: string }[];
      expect(clusters.map(({ name, state, project }) => [name, state, project]).sort()).toEqual([['data', 'Running', 'shop'], ['web', 'Running', 'shop']]); // prettier-ignore
      const { publicipaddress } = await stack.call('listPublicIpAddresses', { vpcid, projectid });
      const addresses = publicipaddress as { ipaddress: string; issourcenat: boolean }[];
      const own = addresses.filter(({ issourcenat }) => !issourcenat).map(({ ipaddress }) => ipaddress);
      expect(clusters.map(({ endpoint }) => endpoint).sort()).toEqual(own.map((address) => `https://${address}:6443/`).sort()); // prettier-ignore
      expect([addresses.length, new Set(own).size]).toEqual([3, 2]);
      expect([ports(first.aclid), ports(second.aclid)]).toEqual([[22, 6443, 80], [22, 6443, 80]]); // prettier-ignore

      for (const [size, count] of [['2', 5], ['1', 4]] as const) {
        expect(await stack.run('scaleKubernetesCluster', { id: data, size })).toMatchObject(OK);
        expect(await nodes(data)).toHaveLength(count);
      } // prettier-ignore

      expect(await stack.run('deleteKubernetesCluster', { id: web })).toMatchObject(OK);
      await expectGone(web);
      expect(ports(first.aclid)).toEqual([80]);
      expect(await nodes(data)).toHaveLength(4);
      expect(await stack.run('stopKubernetesCluster', { id: data })).toMatchObject(OK);
      expect(await stack.run('startKubernetesCluster', { id: data })).toMatchObject(OK);
      expect(await stack.run('deleteKubernetesCluster', { id: data })).toMatchObject(OK);
      await expectGone(data);
      for (const { networkid } of [first, second]) await done('deleteNetwork', { id: networkid });
      await done('deleteVPC', { id: vpcid });
      await done('deleteProject', { id: projectid });
      expect((await stack.world()).networks).toEqual([]);
    },
    150,
  );
});
