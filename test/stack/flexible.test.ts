import ssh2 from 'ssh2';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import type { VmMapRow, VmRow } from '../../db/rows.js';
import { expectGone, expectHealthy, kubernetesNodes, nodeRows, NO_TRACES, tracesOf, versionAfter } from './facts.js';
import { BALANCER, NODES, RANGE, startOperatorsNetwork } from './operators-network.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
const idOf = (stack: Stack, table: string, name: string) =>
  stack.row<{ uuid: string }>(`SELECT uuid FROM ${table} WHERE name = ?`, name).uuid;
const members = (stack: Stack, id: string) =>
  stack.rows<VmRow & Pick<VmMapRow, 'role'>>(
    'SELECT v.*, m.role FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id WHERE m.cluster_id = ? ORDER BY m.id',
    id,
  );
/** Domains and disks of the cluster's nodes by host name, as their host has them. */
async function nodes(stack: Stack, id: string) {
  const { domains, volumes } = (await stack.world()) as unknown as {
    domains: { clusterId: string; hostName: string; host: string; cpus: number; volume: string }[];
    volumes: { name: string; sizeGb: number; templateId: string }[];
  };
  return domains
    .filter(({ clusterId }) => clusterId === id)
    .map(({ hostName, host, cpus, volume }) => ({ hostName, host, cpus, disk: volumes.find(({ name }) => name === volume)! }))
    .sort((a, b) => (a.hostName < b.hostName ? -1 : 1)); // prettier-ignore
}
/** Whether user `cloud` of the machine behind the port lets the key in. */
const logsIn = (host: string, port: number, privateKey: string) =>
  new Promise<boolean>((resolve) => {
    const client = new ssh2.Client();
    const end = (answer: boolean) => (client.end(), resolve(answer));
    client.once('ready', () => end(true)).once('error', () => end(false));
    client.connect({ host, port, username: 'cloud', privateKey, readyTimeout: 10_000 });
  });

describeStack('a flexible cluster', { profile: 'instant' }, (scenario) => {
  scenario(
    'has templates, offerings, disks, keys and hosts as they were asked for, is scaled stopped, and takes a user’s machine in and lets it go',
    async (stack) => {
      const parameters = await stack.createParameters(1, 1, 'flexible');
      const zoneid = parameters['zoneid']!;

      // A host of the account alone, a template for workers alone, a key pair of the user.
      const host = idOf(stack, 'host', 'host-2');
      expect(await stack.run('dedicateHost', { hostid: host, domainid: idOf(stack, 'domain', 'ROOT'), account: 'admin' })).toMatchObject(OK); // prettier-ignore
      const { template } = await stack.call('registerTemplate', {
        name: 'workers', displaytext: 'workers', zoneid, hypervisor: 'Simulator', format: 'QCOW2', forcks: 'true', url: `http://127.0.0.1:${stack.settings.simulatorPort}/templates/workers.qcow2`,
      }); // prettier-ignore
      const workers = String(template[0].id);
      await stack.until('the template is ready', async () => {
        const found = await stack.call('listTemplates', { templatefilter: 'all', id: workers });
        return found['template'][0].isready === true || String(found['template'][0].status);
      }, 20); // prettier-ignore
      const { keypair } = await stack.call('createSSHKeyPair', { name: 'mine' });
      const { keypair: other } = await stack.call('createSSHKeyPair', { name: 'other' });

      const asked = {
        ...parameters, 'keypair': 'mine', 'noderootdisksize': '12', 'hypervisor': 'Simulator', 'nodetemplates[0].node': 'worker', 'nodetemplates[0].template': workers,
        'nodeofferings[0].node': 'worker', 'nodeofferings[0].offering': idOf(stack, 'service_offering', 'medium'),
      }; // prettier-ignore
      await expect(stack.call('createKubernetesCluster', { ...asked, hypervisor: 'KVM' })).rejects.toThrow(/KVM/);
      const { id, jobid } = (await stack.call('createKubernetesCluster', asked)) as { id: string; jobid: string };
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);

      const [control, worker] = members(stack, id);
      const standard = idOf(stack, 'vm_template', 'cks-debian-12-simulated');
      const of = (hostName: string, cpus: number, templateId: string) =>
        expect.objectContaining({ hostName, cpus, host: 'host-2', disk: expect.objectContaining({ sizeGb: 12, templateId }) as object }) as object; // prettier-ignore
      expect(await nodes(stack, id)).toEqual([of(control!.name, 2, standard), of(worker!.name, 4, workers)]);
      const { publicAddress } = (await stack.world()).networks.find(({ networkId }) => networkId === control!.network_id)!; // prettier-ignore
      for (const port of [2222, 2223]) {
        expect(await logsIn(publicAddress, port, String(keypair.privatekey))).toBe(true);
        expect(await logsIn(publicAddress, port, String(other.privatekey))).toBe(false);
      }

      // Stopped, it takes another offering for one kind of nodes.
      expect(await stack.run('stopKubernetesCluster', { id })).toMatchObject(OK);
      expect(await stack.run('scaleKubernetesCluster', { id, 'nodeofferings[0].node': 'worker', 'nodeofferings[0].offering': idOf(stack, 'service_offering', 'large') })).toMatchObject(OK); // prettier-ignore
      expect(stack.cluster(id).state).toBe('Stopped');
      expect(await stack.run('startKubernetesCluster', { id })).toMatchObject(OK);
      expect((await nodes(stack, id)).map(({ cpus }) => cpus)).toEqual([2, 8]);
      await expectHealthy(stack, id, 1, 1);

      // A machine of the user comes in, is left out of an upgrade, and goes again, on its feet.
      const deployed = await stack.run('deployVirtualMachine', {
        name: 'guest', zoneid, networkids: String(control!.network_id), serviceofferingid: idOf(stack, 'service_offering', 'medium'), rootdisksize: '10',
      }); // prettier-ignore
      expect(deployed).toMatchObject(OK);
      const nodeids = idOf(stack, 'vm_instance', 'guest');
      const before = `v${stack.row<{ semantic_version: string }>('SELECT semantic_version FROM kubernetes_supported_version WHERE uuid = ?', stack.cluster(id).kubernetes_version_id).semantic_version}`; // prettier-ignore
      expect(await stack.run('addNodesToKubernetesCluster', { id, nodeids, manualupgrade: 'true' })).toMatchObject(OK);
      const target = versionAfter(stack, id)!;
      expect(await stack.run('upgradeKubernetesCluster', { id, kubernetesversionid: target.uuid })).toMatchObject(OK);
      const versions = (await kubernetesNodes(stack, id)).map(({ metadata, status }) => [metadata.name, status.nodeInfo.kubeletVersion]); // prettier-ignore
      const to = `v${target.semantic_version}`;
      expect(Object.fromEntries(versions)).toEqual({ [control!.name]: to, [worker!.name]: to, guest: before });
      expect(await stack.run('removeNodesFromKubernetesCluster', { id, nodeids })).toMatchObject(OK);
      expect((await kubernetesNodes(stack, id)).map(({ metadata }) => metadata.name)).not.toContain('guest');
      expect(stack.row<VmRow>('SELECT * FROM vm_instance WHERE uuid = ?', nodeids)).toMatchObject({ state: 'Running', removed: null }); // prettier-ignore
      await expectHealthy(stack, id, 1, 1);

      expect(await stack.run('destroyVirtualMachine', { id: nodeids, expunge: 'true' })).toMatchObject(OK);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
      expect(await tracesOf(stack, id)).toEqual(NO_TRACES);
    },
    150,
  );

  scenario(
    'takes in a domain that was there before, for what its guest has, lets it go as it was, and refuses one that is too small',
    async (stack) => {
      const parameters = await stack.createParameters(1, 1, 'imports');
      const { id, jobid } = (await stack.call('createKubernetesCluster', parameters)) as { id: string; jobid: string };
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);
      const { network_id: networkId, ip_address } = members(stack, id)[0]!;
      const { servicesshkey } = await stack.call('getServiceSshKey');
      const zoneid = parameters['zoneid']!;
      /** A domain that somebody made with a tool of the host, imported. */
      const bring = async (name: string, last: number, size: object) => {
        const ipaddress = ip_address!.replace(/\d+$/, String(last));
        const hostKey = newSshKeyPair();
        const guest = { hostKey: hostKey.private, authorizedKeys: [String(servicesshkey.publickey)] };
        await stack.fate('seed', { domains: [{ host: 'host-2', name: `their-${name}`, hostName: name, networkId, ipAddress: ipaddress, guest, ...size }] }); // prettier-ignore
        expect(await stack.run('importVirtualMachine', {
          name, zoneid, networkids: networkId, ipaddress, sshhostkey: hostKey.public, serviceofferingid: idOf(stack, 'service_offering', 'medium'),
          hostid: idOf(stack, 'host', 'host-2'), domainname: `their-${name}`,
        })).toMatchObject(OK); // prettier-ignore
        return idOf(stack, 'vm_instance', name);
      };
      const domain = async (name: string) => (await stack.world()).domains.find((one) => one.name === `their-${name}`);

      // Its offering says 4 CPUs and 4 GB; what counts is what is found.
      const small = await bring('small', 201, { cpus: 1, ramMb: 1024, sizeGb: 4 });
      const refused = await stack.run('addNodesToKubernetesCluster', { id, nodeids: small });
      expect(refused).toMatchObject({ jobstatus: 2 });
      expect(JSON.stringify(refused)).toContain(
        'machine small needs 2 CPUs or more, found 1; 2048 MB of memory or more, found 1024; a root disk of 8 GB or more, found 4',
      );
      expect(stack.cluster(id)).toMatchObject({ state: 'Running', node_count: 1 });

      const pet = await bring('pet', 202, { cpus: 2, ramMb: 2048, sizeGb: 8 });
      const before = await domain('pet');
      expect(await stack.run('addNodesToKubernetesCluster', { id, nodeids: pet })).toMatchObject(OK);
      expect(stack.cluster(id)).toMatchObject({ state: 'Running', node_count: 2 });
      expect((await kubernetesNodes(stack, id)).map(({ metadata }) => metadata.name)).toContain('pet');
      expect(await stack.run('removeNodesFromKubernetesCluster', { id, nodeids: pet })).toMatchObject(OK);
      expect((await kubernetesNodes(stack, id)).map(({ metadata }) => metadata.name)).not.toContain('pet');
      expect(await domain('pet')).toEqual(before);
      expect(stack.row<VmRow>('SELECT * FROM vm_instance WHERE uuid = ?', pet)).toMatchObject({ state: 'Running', removed: null }); // prettier-ignore
      await expectHealthy(stack, id, 1, 1);
      for (const machine of [small, pet])
        expect(await stack.run('destroyVirtualMachine', { id: machine, expunge: 'true' })).toMatchObject(OK);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
      const { out } = await stack.program('scripts/doctor.js', ['--fix']);
      expect(out).not.toContain('their-');
      expect(await domain('pet')).toEqual(before);
    },
    90,
  );

  scenario(
    'has components with a health of their own, and runs without the one that cannot be installed',
    async (stack) => {
      await stack.call('updateConfiguration', { name: 'cloud.kubernetes.cluster.experimental.features.enabled', value: 'true' }); // prettier-ignore
      await stack.call('updateConfiguration', { name: 'cks.metadata.policy.namespaces', value: 'default' });
      const { cniconfig } = await stack.call('registerCniConfiguration', { name: 'mine', params: 'peer', cniconfig: Buffer.from('#cloud-config\nruncmd:\n  - echo {{ ds.meta_data.peer }}\n').toString('base64') }); // prettier-ignore
      const asked = {
        ...(await stack.createParameters(1, 1, 'components')), cniconfigurationid: String(cniconfig.id), 'cniconfigdetails[0].peer': '192.0.2.1', enablecsi: 'true', dockerregistryurl: 'https://registry.example:5000', dockerregistryusername: 'robot', dockerregistrypassword: 'secret',
      }; // prettier-ignore
      // Of the components the dashboard is the first: the others wait for the credentials of the cloud controller.
      await stack.breaks({ on: 'node', match: 'node.component', kind: 'failForGood', times: 1 });
      const { id, jobid } = (await stack.call('createKubernetesCluster', asked)) as { id: string; jobid: string };
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);
      const { kubernetescluster } = await stack.call('listKubernetesClusters', { id });
      expect(kubernetescluster[0]).toMatchObject({
        state: 'Running', reason: expect.stringMatching(/^components: dashboard: /), csienabled: true,
        components: [
          { name: 'cloud-secret', state: 'applied' }, { name: 'cni', state: 'applied' }, { name: 'csi', state: 'applied' },
          { name: 'dashboard', state: 'failed', reason: expect.stringContaining('simulated fault') },
          { name: 'metadata-policy', state: 'failed', reason: expect.stringContaining('Flannel enforces none') }, { name: 'provider', state: 'applied' },
        ],
        warnings: [
          expect.stringMatching(/^The component dashboard is not in order: .*simulated fault/),
          expect.stringMatching(/^The component metadata-policy is not in order: the policy is there, and no pod network/),
        ],
      }); // prettier-ignore
      const running = (await stack.kubectl(id, 'get', 'deployments', '-n', 'kube-system', '-o', 'name')).split('\n');
      expect(running).toEqual(expect.arrayContaining(['deployment.apps/coredns', 'deployment.apps/cloud-controller-manager'])); // prettier-ignore
      expect(await stack.kubectl(id, 'get', 'secret', 'cloudstack-secret', '-n', 'kube-system', '-o', 'jsonpath={.data}')).toContain('cloud-config'); // prettier-ignore
      expect(await stack.kubectl(id, 'get', 'networkpolicies', '--all-namespaces', '-o', 'jsonpath={.items[*].metadata.namespace}')).toBe('default'); // prettier-ignore
      const registries = (await stack.effects()).filter(({ kind }) => kind === 'node.registry');
      expect(registries.map(({ node }) => node).sort()).toEqual(members(stack, id).map(({ name }) => name).sort()); // prettier-ignore
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    60,
  );

  scenario(
    'lives in a shared network: its nodes at their own addresses, its API server at the balancer of the user; it grows, shrinks and goes',
    async (stack) => {
      const parameters = await stack.createParameters(2, 1, 'shared');
      const networkofferingid = idOf(stack, 'network_offerings', 'DefaultSharedNetworkOffering');
      const { network } = await stack.call('createNetwork', { name: 'office', zoneid: parameters['zoneid']!, networkofferingid, vlan: '120', ...RANGE }); // prettier-ignore
      const operators = await startOperatorsNetwork(stack, String(network.id));
      try {
        const asked = { ...parameters, networkid: String(network.id) };
        await expect(stack.call('createKubernetesCluster', asked)).rejects.toThrow(/externalloadbalanceripaddress/);
        const { id, jobid } = (await stack.call('createKubernetesCluster', { ...asked, externalloadbalanceripaddress: BALANCER })) as { id: string; jobid: string }; // prettier-ignore
        const isWhole = async (workers: number) => {
          const { kubernetescluster } = await stack.call('listKubernetesClusters', { id });
          expect(kubernetescluster[0]).toMatchObject({ state: 'Running', endpoint: `https://${BALANCER}:6443/`, size: workers }); // prettier-ignore
          expect(kubernetescluster[0]).not.toHaveProperty('reason');
          const rows = nodeRows(stack, id);
          expect(rows.map(({ ip_address }) => ip_address).sort()).toEqual(NODES.slice(0, 2 + workers));
          const items = await kubernetesNodes(stack, id);
          expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(rows.map(({ name }) => name));
        };
        expect(await stack.jobEnd(jobid)).toMatchObject(OK);
        await isWhole(1);
        const { clusterconfig } = await stack.call('getKubernetesClusterConfig', { id });
        expect(String(clusterconfig.configdata)).toContain(`https://${BALANCER}:6443`);
        expect(await stack.run('scaleKubernetesCluster', { id, size: '2' })).toMatchObject(OK);
        await isWhole(2);
        expect(await stack.run('scaleKubernetesCluster', { id, size: '1' })).toMatchObject(OK);
        await isWhole(1);
        // No gateway ever had anything to do with it.
        expect(stack.rows('SELECT * FROM firewall_rules WHERE network_id = ?', network.id)).toEqual([]);
        expect(stack.rows('SELECT * FROM user_ip_address WHERE network_id = ?', network.id)).toEqual([]);

        expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
      } finally {
        await operators.stop();
      }
      await expectGone(stack, idOf(stack, 'kubernetes_cluster', 'shared'));
      expect(await stack.run('deleteNetwork', { id: String(network.id) })).toMatchObject(OK);
    },
    120,
  );
});
