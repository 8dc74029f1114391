import type { Answer } from '../../scripts/client.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import {
  countOf,
  doneTwice,
  domainsOf,
  expectHealthy,
  heldRows,
  kubernetesNodes,
  nodeRows,
  NOTHING_HELD,
  versionAfter,
} from './facts.js';
import { sleep } from './parts.js';
import { describeStack, type Stack } from './stack.js';

const RUN = { status: 1, code: 0 };
const FAILED = { status: 2, code: 530 };
const ended = async (stack: Stack, jobid: string) => {
  const { jobstatus, jobresultcode } = await stack.jobEnd(jobid);
  return { status: jobstatus, code: jobresultcode };
};
const rest = (stack: Stack, id: string) => {
  const { state, reason } = stack.cluster(id);
  return { state, reason };
};
const shown = async (stack: Stack, id: string): Promise<Answer> => {
  const { kubernetesclusteroperation } = await stack.call('listKubernetesClusterOperations', {
    kubernetesclusterid: id,
  });
  return (kubernetesclusteroperation as Answer[])[0]!;
};
const kubelets = async (stack: Stack, id: string) =>
  (await kubernetesNodes(stack, id)).map(({ status }) => status.nodeInfo.kubeletVersion);

interface PlanStep {
  title: string;
  steps?: PlanStep[];
}
const titles = (steps: PlanStep[]): string[] =>
  steps.flatMap(({ title, steps: inner }) => [title, ...titles(inner ?? [])]);

describeStack('an operation', {}, (scenario) => {
  scenario(
    'that is paused begins no step until it is resumed, and then ends well',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 1);
      const { uuid } = stack.operation(id);
      await stack.stepIs(id, /worker-1: start the machine/, 'running');
      const pause = async () => {
        await stack.run('pauseKubernetesClusterOperation', { kubernetesclusterid: id });
        await stack.until('the operation shows as paused', async () => {
          const { state } = await shown(stack, id);
          return state === 'paused' || String(state);
        }, 20); // prettier-ignore
      };
      await pause();
      const states = () => stack.steps(uuid).map(({ title, state, attempts }) => `${title}: ${state} ${attempts}`);
      const paused = states();
      expect(paused.join()).toContain('install Kubernetes: pending');
      // A worker that dies meanwhile, and the scan, which repeats what was lost, change nothing about it.
      await stack.worker.restart();
      const run = (await stack.client()).workflow.getHandle(workflowIdOf(uuid));
      const events = async () => (await run.describe()).historyLength;
      // A workflow task that the dead worker had is given out again once its 10 s are over, and that is all.
      let before = 0;
      await stack.until('the history rests', async () => {
        const [was, now] = [before, await events()];
        before = now;
        return was === now || String(now);
      }, 60, 11_000); // prettier-ignore
      await sleep(7000);
      expect(states()).toEqual(paused);
      expect(await events()).toBe(before);
      expect(stack.jobRow(jobid).job_status).toBe(0);
      // A resume whose signal is lost is passed on by the scan.
      stack.write(`UPDATE operation SET pause_requested = 2 WHERE uuid = '${uuid}'`);
      await stack.stepIs(id, /control-1: install Kubernetes/, 'running');
      await pause();
      await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id });
      expect(await ended(stack, jobid)).toEqual(RUN);
      await expectHealthy(stack, id, 1, 1);
    },
    120,
  );

  for (const moment of [
    /make SSH keys/,
    /take a public address/,
    /worker-1: define the machine/,
    /control-1: install Kubernetes/,
    /control-1: run kubeadm init/,
    /worker-1: join/,
  ])
    scenario(
      `that is cancelled while it is at ${moment.source} leaves the zone as it was and the cluster in Error`,
      async (stack) => {
        const before = await stack.worldWithoutCache();
        const { id, jobid } = await stack.create(1, 1);
        await stack.stepIs(id, moment, moment.source.includes('keys') ? 'done' : 'running');
        const cancel = await stack.run('cancelKubernetesClusterOperation', { kubernetesclusterid: id });
        expect(cancel.jobstatus).toBe(1);
        expect(await ended(stack, jobid)).toEqual(FAILED);
        expect((await stack.job(jobid))['jobresult']).toEqual({ errorcode: 530, errortext: 'Cancelled' });
        expect(rest(stack, id)).toEqual({ state: 'Error', reason: 'Cancelled' });
        expect(await stack.worldWithoutCache()).toEqual(before);
        expect(heldRows(stack, id)).toEqual(NOTHING_HELD);
        const { state, leftovers, uuid } = stack.operation(id);
        expect({ state, leftovers }).toEqual({ state: 'cancelled', leftovers: null });
        expect(stack.steps(uuid).filter((step) => !['undone', 'pending', 'skipped'].includes(step.state)).map(({ title, state: at }) => `${title}: ${at}`)).toEqual([]); // prettier-ignore
        expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
      },
      60,
    );

  for (const [fault, step] of [
    ['node.join', 'join'],
    ['node.install', 'install Kubernetes'],
    ['domain.start', 'start the machine'],
    ['gateway.apply', 'set up gateway'],
  ] as const)
    scenario(
      `that fails for good at ${fault} rests with a reason, and a cancel then cleans up`,
      async (stack) => {
        const before = await stack.worldWithoutCache();
        await stack.breaks({
          on: fault.startsWith('node') ? 'node' : fault.startsWith('gateway') ? 'gateway' : 'hypervisor',
          match: fault,
          kind: 'failForGood',
          times: 1,
        });
        const { id, jobid } = await stack.create(1, 2);
        expect(await ended(stack, jobid)).toEqual(FAILED);
        expect(await stack.faults()).toEqual([]);
        const { state, reason } = stack.cluster(id);
        expect(['Error', 'Alert']).toContain(state);
        expect(reason).toContain(step);
        const { errortext } = (await stack.job(jobid))['jobresult'] as { errortext: string };
        const { evidence = [] } = (await shown(stack, id)) as { evidence?: Record<string, string>[] };
        if (fault.startsWith('node')) {
          expect(errortext.startsWith(`${reason} (evidence: `)).toBe(true);
          expect(evidence.map(({ node }) => node).length).toBeGreaterThan(0);
          for (const { node = '', units, clock } of evidence) {
            expect(errortext).toContain(`${node}: `);
            expect([units, clock]).toEqual([expect.stringContaining('kubelet.service'), expect.stringContaining('T')]);
          }
        } else expect([errortext, evidence]).toEqual([reason, []]);
        const failed = stack.steps(stack.operation(id).uuid).filter((one) => one.state === 'failed');
        expect(failed.map(({ title }) => title).join()).toContain(step);
        expect((await shown(stack, id)).whocanfix).toBe('operator');

        const cancel = await stack.run('cancelKubernetesClusterOperation', { kubernetesclusterid: id });
        expect(cancel.jobstatus).toBe(1);
        expect(rest(stack, id)).toEqual({ state: 'Error', reason: 'Cancelled' });
        expect(await stack.worldWithoutCache()).toEqual(before);
        expect(heldRows(stack, id)).toEqual(NOTHING_HELD);
        expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
      },
      60,
    );

  scenario(
    'that scales and makes one of its two workers is undone by a cancel, the count right, and a scale after it succeeds (report 4) (report 5) (report 8)',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 1);
      expect(await ended(stack, jobid)).toEqual(RUN);
      const before = await stack.worldWithoutCache();
      await stack.breaks({ on: 'hypervisor', match: 'domain.start', kind: 'failForGood', times: 1 });
      expect(await stack.run('scaleKubernetesCluster', { id, size: '3' })).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
      expect(await stack.faults()).toEqual([]);
      expect(rest(stack, id)).toEqual({ state: 'Alert', reason: expect.stringContaining('start the machine') as string });
      expect((await stack.run('cancelKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      expect(rest(stack, id)).toMatchObject({ state: 'Running' });
      expect((await stack.call('listKubernetesClusters', { id }))['kubernetescluster'][0]).toMatchObject({ size: 1 });
      const { domains, volumes, rules } = await stack.worldWithoutCache();
      expect({ domains, volumes, rules }).toEqual({ domains: before.domains, volumes: before.volumes, rules: before.rules });
      expect((await stack.run('scaleKubernetesCluster', { id, size: '2' })).jobstatus).toBe(1);
      await expectHealthy(stack, id, 1, 2);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    60,
  ); // prettier-ignore

  scenario(
    'that adds a worker and replaces two by larger ones is resumed after the second one failed: none is lost, none comes twice (report 13)',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 2);
      expect(await ended(stack, jobid)).toEqual(RUN);
      const { uuid: large } = stack.row<{ uuid: string }>(`SELECT uuid FROM service_offering WHERE name = 'large'`);
      const asked = { id, size: '3', 'nodeofferings[0].node': 'worker', 'nodeofferings[0].offering': large };
      const scale = String((await stack.call('scaleKubernetesCluster', asked))['jobid']);
      const workers = () => stack.rows<{ index: number }>(`SELECT role_index AS "index" FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND role = 'worker'`, id).map(({ index }) => index);
      await stack.until('the first one is replaced', () => !workers().includes(1) || workers().join(), 60);
      await stack.breaks({ on: 'hypervisor', match: 'domain.start', kind: 'failForGood', times: 1 });
      expect(await ended(stack, scale)).toEqual(FAILED);
      expect(await stack.faults()).toEqual([]);
      expect((await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      await expectHealthy(stack, id, 1, 3);
      const { domains } = (await stack.world()) as unknown as { domains: { clusterId: string; cpus: number }[] };
      expect(domains.filter(({ clusterId }) => clusterId === id).map(({ cpus }) => cpus).sort()).toEqual([2, 8, 8, 8]);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    90,
  ); // prettier-ignore

  scenario(
    'that upgrades and is cancelled after its first control node leaves two versions: new nodes have the new one, no third is taken, a resume finishes',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 1);
      expect(await ended(stack, jobid)).toEqual(RUN);
      const target = versionAfter(stack, id)!;
      const upgrade = String((await stack.call('upgradeKubernetesCluster', { id, kubernetesversionid: target.uuid }))['jobid']);
      await stack.stepIs(id, /^control-1: upgrade/, 'done');
      const { uuid: operation } = stack.operation(id);
      expect((await stack.run('cancelKubernetesClusterOperation', { id: operation })).jobstatus).toBe(1);
      expect(await ended(stack, upgrade)).toEqual(FAILED);
      expect(rest(stack, id)).toEqual({ state: 'Running', reason: expect.stringMatching(/^MixedVersions: .* finishes\. Cancelled/) as string });
      const third = stack.rows<{ uuid: string }>('SELECT uuid FROM kubernetes_supported_version WHERE uuid NOT IN (?, ?)', target.uuid, stack.cluster(id).kubernetes_version_id)[0]!;
      const refused = await stack.run('upgradeKubernetesCluster', { id, kubernetesversionid: third.uuid });
      expect(refused).toMatchObject({ jobstatus: 2, jobresult: { errortext: expect.stringContaining('MixedVersions') as string } });

      expect((await stack.run('scaleKubernetesCluster', { id, size: '2' })).jobstatus).toBe(1);
      const renewed = async () => (await kubelets(stack, id)).filter((one) => one === `v${target.semantic_version}`).length;
      expect(await renewed()).toBe(2);
      expect((await stack.run('resumeKubernetesClusterOperation', { id: operation })).jobstatus).toBe(1);
      expect(await renewed()).toBe(3);
      await expectHealthy(stack, id, 1, 2);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    90,
  ); // prettier-ignore

  scenario(
    'that is cancelled while kubeadm upgrades the first control node waits for it, and says that the cluster has two versions',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 1);
      expect(await ended(stack, jobid)).toEqual(RUN);
      const [old, target] = [await kubelets(stack, id), versionAfter(stack, id)!];
      const upgrade = String((await stack.call('upgradeKubernetesCluster', { id, kubernetesversionid: target.uuid }))['jobid']);
      await stack.until('kubeadm upgrades', async () => (await stack.nodeRuns()).some(({ subcommand }) => subcommand === 'upgrade') || 'not yet', 30, 20);
      expect((await stack.run('cancelKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      expect(await ended(stack, upgrade)).toEqual(FAILED);
      expect(rest(stack, id)).toEqual({ state: 'Running', reason: expect.stringMatching(/^MixedVersions: .* Cancelled/) as string });
      expect(await stack.nodeRuns()).toEqual([]);
      expect((await kubelets(stack, id)).sort()).toEqual([old[0], `v${target.semantic_version}`]);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    60,
  ); // prettier-ignore

  scenario(
    'that kubeadm refuses on the first control node leaves one version: a cancel undoes it, and new nodes are not newer than the control plane',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 1);
      expect(await ended(stack, jobid)).toEqual(RUN);
      const [old] = await kubelets(stack, id);
      const { id: refused } = await stack.breaks({ on: 'node', match: 'node.upgrade', kind: 'failForGood', times: 1000 });
      expect(await stack.run('upgradeKubernetesCluster', { id, kubernetesversionid: versionAfter(stack, id)!.uuid })).toMatchObject({ jobstatus: 2 });
      expect(rest(stack, id)).toEqual({ state: 'Alert', reason: expect.stringMatching(/^control-1: upgrade .* is refused for good/) as string });
      await stack.heals(refused);
      expect((await stack.run('cancelKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      expect(rest(stack, id)).toEqual({ state: 'Running', reason: 'Cancelled' });
      expect((await stack.run('scaleKubernetesCluster', { id, size: '2' })).jobstatus).toBe(1);
      expect(await kubelets(stack, id)).toEqual([old, old, old]);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    60,
  ); // prettier-ignore

  scenario(
    'whose drain a disruption budget blocks for as long as the setting allows fails once, names the pods, and is the user’s to mend',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 2);
      expect(await ended(stack, jobid)).toMatchObject({ status: 1 });
      const kubectl = (...words: string[]) => stack.kubectl(id, ...words);
      await kubectl('create', 'deployment', 'web', '--image=example.org/web:1', '--replicas=4');
      await kubectl('create', 'pdb', 'web', '--selector=app=web', '--min-available=100%');
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=20s');
      await stack.call('updateConfiguration', { name: 'cks.node.drain.timeout', value: '4' });
      const scale = await stack.run('scaleKubernetesCluster', { id, size: '1' });
      await stack.call('updateConfiguration', { name: 'cks.node.drain.timeout', value: '900' });
      const said = String((scale.jobresult as { errortext: string }).errortext);
      expect(said).toMatch(/worker-2: drain: disruption budgets do not let these pods of \S+ go now: default\/web-\S+.* \(after 4 s, the limit of the step\)/);
      expect((await shown(stack, id)).whocanfix).toBe('user');
      const drains = stack.rows<{ attempts: number }>(
        `SELECT attempts FROM operation_step WHERE operation_id = ? AND title = 'worker-2: drain'`, stack.operation(id).uuid,
      );
      expect(drains).toEqual([{ attempts: 1 }]);
      await stack.call('updateConfiguration', { name: 'cks.scan.seconds', value: '1' });
      // All machines run and the API answers: the Alert is over, not that the node takes no pods.
      await stack.until('the scan ends the Alert', () => stack.cluster(id).state === 'Running' || stack.cluster(id).state, 60, 100);
      expect(rest(stack, id).reason).toMatch(new RegExp(`worker-2: drain: .*; \\S+-node-\\S+ stayed cordoned: resume or cancel operation ${stack.operation(id).uuid}$`));
      await kubectl('uncordon', /(\S+) stayed cordoned/.exec(rest(stack, id).reason!)![1]!);
      await stack.until('it takes pods again, and nothing else is said', () => rest(stack, id).reason === null || String(rest(stack, id).reason), 60, 100);
      await stack.call('updateConfiguration', { name: 'cks.scan.seconds', value: '30' });
      await kubectl('delete', 'pdb', 'web');
      expect((await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    90,
  ); // prettier-ignore

  scenario(
    'whose machine goes off by itself as it boots starts it again, and goes on',
    async (stack) => {
      const { id: silent } = await stack.breaks({ on: 'node', match: 'connect', kind: 'fail', times: 100_000 });
      const { id, jobid } = await stack.create(1, 1);
      await stack.stepIs(id, /^worker-1: wait for SSH/, 'running');
      const { instance_name } = nodeRows(stack, id).find(({ role }) => role === 'worker')!;
      await stack.fate(`domains/${instance_name}`, { state: 'shut off' });
      const powerOf = async () => (await stack.world()).domains.find(({ name }) => name === instance_name)!.state;
      await stack.until('it runs again', async () => {
        const state = await powerOf();
        return state === 'running' || state;
      }, 30, 100);
      await stack.stepIs(id, /^worker-1: wait for SSH/, 'running');
      await stack.until('the step says so', () => {
        const { note } = stack.steps(stack.operation(id).uuid).find(({ title }) => title === 'worker-1: wait for SSH')!;
        return / does not answer on SSH .*; it went off by itself and was started again$/.test(note ?? '') || String(note);
      }, 10, 100);
      await stack.heals(silent);
      expect(await ended(stack, jobid)).toMatchObject({ status: 1 });
      await expectHealthy(stack, id, 1, 1);
      expect((await stack.run('deleteKubernetesCluster', { id })).jobstatus).toBe(1);
    },
    60,
  ); // prettier-ignore

  for (const [on, fault] of [
    ['node', 'node.join'],
    ['node', 'node.init'],
    ['node', 'node.install'],
    ['hypervisor', 'domain.define'],
    ['kubernetes', 'patch.nodes'],
  ] as const)
    scenario(
      `that failed at ${fault} is resumed at the failed step: what was done is skipped and not done again`,
      async (stack) => {
        const made = (await stack.effects()).length;
        await stack.breaks({ on, match: fault, kind: 'failForGood', times: 1 });
        const { id, jobid } = await stack.create(1, 2);
        expect(await ended(stack, jobid)).toEqual(FAILED);
        const first = stack.operation(id);
        const done = stack
          .steps(first.uuid)
          .filter(({ state }) => state === 'done')
          .map(({ title }) => title);
        expect(done.length).toBeGreaterThan(1);

        const resumed = await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id });
        expect({ status: resumed.jobstatus, result: resumed.jobstatus === 1 || resumed['jobresult'] }).toEqual({
          status: 1,
          result: true,
        });
        await expectHealthy(stack, id, 1, 2);
        const second = stack.operation(id);
        expect({ attempt: second.attempt, root: second.root_id }).toEqual({ attempt: 2, root: first.root_id });
        // Waits and looks may be done again; what changes something is skipped, with the reason.
        const again = stack
          .steps(second.uuid)
          .filter(({ title, state, kind }) => done.includes(title) && state !== 'skipped' && kind !== 'kubernetes.api');
        const repeatable = /eject|root volume/;
        expect(again.map(({ title }) => title).filter((title) => !repeatable.test(title))).toEqual([]);
        expect(stack.steps(second.uuid).filter(({ state, skip }) => state === 'skipped' && !skip)).toEqual([]);
        const effects = (await stack.effects()).slice(made);
        expect(doneTwice(effects)).toEqual([]);
        expect({
          init: countOf(effects, 'node.init'),
          join: countOf(effects, 'node.join'),
          start: countOf(effects, 'domain.start'),
        }).toEqual({ init: 1, join: 2, start: 3 });
      },
      60,
    );

  for (const moment of [/take a public address/, /worker-1: define the machine/, /control-1: run kubeadm init/])
    scenario(
      `that creates ends when its cluster is deleted at ${moment.source}, and nothing is left`,
      async (stack) => {
        const before = await stack.worldWithoutCache();
        const { id, jobid } = await stack.create(1, 2);
        await stack.stepIs(id, moment, 'running');
        const removal = await stack.call('deleteKubernetesCluster', { id });
        expect(await ended(stack, jobid)).toEqual(FAILED);
        expect(await ended(stack, String(removal['jobid']))).toEqual(RUN);
        expect(rest(stack, id).state).toBe('Destroyed');
        expect(await stack.worldWithoutCache()).toEqual(before);
        expect(heldRows(stack, id)).toEqual(NOTHING_HELD);
        expect(domainsOf(await stack.world(), id)).toEqual([]);
        const [create] = stack.operations(id);
        expect({ state: create?.state, fault: create?.fault }).toEqual({ state: 'failed', fault: 'Superseded' });
      },
      60,
    );

  scenario(
    'whose run is terminated in Temporal rests with that reason, and a resume finishes it',
    async (stack) => {
      const made = (await stack.effects()).length;
      const { id, jobid } = await stack.create(1, 1);
      await stack.stepIs(id, /control-1: install Kubernetes/, 'running');
      const client = await stack.client();
      await client.workflow.getHandle(workflowIdOf(stack.operation(id).uuid)).terminate('by a test');
      expect(await ended(stack, jobid)).toEqual(FAILED);
      expect(['Error', 'Alert']).toContain(rest(stack, id).state);
      expect(rest(stack, id).reason).toMatch(/terminated or lost/);
      expect(stack.operation(id).fault).toBe('RunLost');
      const resumed = await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id });
      expect({ status: resumed.jobstatus, result: resumed.jobstatus === 1 || resumed['jobresult'] }).toEqual({
        status: 1,
        result: true,
      });
      await expectHealthy(stack, id, 1, 1);
      expect(doneTwice((await stack.effects()).slice(made))).toEqual([]);
    },
    60,
  );

  scenario(
    'is what its plan said, in the same order, and a plan that is no longer true is refused',
    async (stack) => {
      const before = {
        world: await stack.world(),
        rows: stack.rows('SELECT count(*) AS n FROM kubernetes_cluster'),
        networks: stack.rows('SELECT count(*) AS n FROM networks'),
      };
      const parameters = await stack.createParameters(2, 2);
      const { plan } = await stack.call('createKubernetesCluster', { ...parameters, dryrun: 'true' });
      const { hash, steps } = plan as { hash: string; steps: PlanStep[] };
      expect({
        world: await stack.world(),
        rows: stack.rows('SELECT count(*) AS n FROM kubernetes_cluster'),
        networks: stack.rows('SELECT count(*) AS n FROM networks'),
      }).toEqual(before);
      await expect(stack.call('createKubernetesCluster', { ...parameters, size: '3', planhash: hash })).rejects.toThrow(
        /plan has changed/,
      );
      expect(stack.rows('SELECT count(*) AS n FROM kubernetes_cluster')).toEqual(before.rows);

      const { id, jobid } = await stack.call('createKubernetesCluster', { ...parameters, planhash: hash });
      expect(await ended(stack, String(jobid))).toEqual(RUN);
      const list = (operationId: string) =>
        stack
          .rows<{ title: string }>('SELECT title FROM operation_step WHERE operation_id = ? ORDER BY line', operationId)
          .map(({ title }) => title);
      expect(list(stack.operation(String(id)).uuid)).toEqual(titles(steps));

      const removal = await stack.call('deleteKubernetesCluster', { id: String(id), dryrun: 'true' });
      const agreed = removal['plan'] as { hash: string; steps: PlanStep[] };
      await expect(stack.call('deleteKubernetesCluster', { id: String(id), planhash: hash })).rejects.toThrow(
        /plan has changed/,
      );
      expect((await stack.run('deleteKubernetesCluster', { id: String(id), planhash: agreed.hash })).jobstatus).toBe(1);
      expect(list(stack.operation(String(id)).uuid)).toEqual(titles(agreed.steps));
    },
    60,
  );
});
