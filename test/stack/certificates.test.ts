import { expectHealthy, makeWatched, versionAfter } from './facts.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
const DAY = 86_400;
const YEAR = 365 * DAY;

/** Seconds by which the zone's calendar is ahead. The service's own is the real one: what it knows of certificates comes nearer instead. */
let ahead = 0;
const comesNearer = (stack: Stack, seconds: number) =>
  stack.write(
    `UPDATE kubernetes_cluster SET certificates_end = strftime('%Y-%m-%d %H:%M:%f', certificates_end, '-${seconds} seconds'), probed = NULL`,
  );
async function passes(stack: Stack, seconds: number): Promise<void> {
  ahead += seconds;
  await stack.fate('clock', { offsetSeconds: ahead });
  comesNearer(stack, seconds);
}
async function made(stack: Stack, controls: number): Promise<string> {
  const id = await makeWatched(stack, controls, 1);
  comesNearer(stack, ahead);
  return id;
}
const kubeconfig = async (stack: Stack, id: string) => {
  const { clusterconfig } = await stack.call('getKubernetesClusterConfig', { id });
  return (clusterconfig as { configdata: string }).configdata;
};
const renewed = (stack: Stack, id: string) =>
  stack.until(
    'they are renewed',
    () => {
      const { kind, state, reason } = stack.operation(id);
      return (kind === 'renew' && state === 'succeeded') || `${kind} ${state}: ${reason}`;
    },
    60,
    100,
  );
/** Days until the certificates end, as the service knows once they were renewed. */
const daysLeft = (stack: Stack, id: string) =>
  (Date.parse(`${stack.cluster(id).certificates_end}Z`) - Date.now()) / 1000 / DAY - ahead / DAY;
/** It runs, with certificates for a year and another kubeconfig than `before`. */
async function expectNew(stack: Stack, id: string, controls: number, before: string): Promise<void> {
  await expectHealthy(stack, id, controls, 1);
  expect(await kubeconfig(stack, id)).not.toBe(before);
  expect(daysLeft(stack, id)).toBeCloseTo(365, 0);
}

describeStack('certificates', { profile: 'instant' }, (scenario) => {
  scenario(
    'are warned of and then renewed by the scan, and the kubeconfig with them (report 22)',
    async (stack) => {
      const id = await made(stack, 2);
      const before = await kubeconfig(stack, id);
      await passes(stack, YEAR - 50 * DAY);
      const warning = /^its certificates end on \d{4}-\d\d-\d\d: they are renewed 30 days before$/;
      const reason = () => String(stack.cluster(id).reason);
      await stack.until('it is warned of them', () => warning.test(reason()) || reason(), 60, 100);
      expect(stack.cluster(id).state).toBe('Running');
      expect(await kubeconfig(stack, id)).toBe(before);

      await passes(stack, 25 * DAY);
      await renewed(stack, id);
      await expectNew(stack, id, 2, before);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    180,
  );

  scenario(
    'that ended while a cluster was off are renewed when it starts, and the kubeconfig with them',
    async (stack) => {
      const id = await made(stack, 1);
      const before = await kubeconfig(stack, id);
      expect(await stack.run('stopKubernetesCluster', { id })).toMatchObject(OK);
      await passes(stack, YEAR + DAY);
      expect(await stack.run('startKubernetesCluster', { id })).toMatchObject(OK);
      await expectNew(stack, id, 1, before);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    120,
  );

  scenario(
    'are new after an upgrade, and so is the kubeconfig',
    async (stack) => {
      const id = await made(stack, 2);
      const before = await kubeconfig(stack, id);
      await passes(stack, 100 * DAY);
      const { uuid } = versionAfter(stack, id)!;
      expect(await stack.run('upgradeKubernetesCluster', { id, kubernetesversionid: uuid })).toMatchObject(OK);
      await expectNew(stack, id, 2, before);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    120,
  );

  scenario(
    'and tokens that ended after an operation failed do not keep it from being resumed a year later',
    async (stack) => {
      const id = await made(stack, 1);
      const before = await kubeconfig(stack, id);
      await stack.breaks({ on: 'node', match: 'node.join', kind: 'failForGood', times: 1 });
      expect(await stack.run('scaleKubernetesCluster', { id, size: '2' })).toMatchObject({ jobstatus: 2 });
      const failed = stack.operation(id).uuid;
      await passes(stack, YEAR + DAY);
      await renewed(stack, id);
      expect(await kubeconfig(stack, id)).not.toBe(before);
      expect(stack.cluster(id)).toMatchObject({
        state: 'Alert',
        reason: expect.stringContaining(`resume or cancel operation ${failed}`),
      });
      expect(await stack.run('resumeKubernetesClusterOperation', { id: failed })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 2);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    120,
  );
});
