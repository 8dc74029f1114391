import { Context } from '@temporalio/activity';
import type { Activities } from '../../activities/index.js';
import { fault } from '../../workflows/model/fault.js';
import type { ImageWork } from '../../workflows/model/image.js';
import type { MachineChangeKind, MachineChangeParams } from '../../workflows/model/machine-change.js';
import { hang } from '../fakes/operation-world.js';

type A = Activities;
type Played = Partial<A['hosts'] & A['images'] & A['machines'] & A['networks'] & A['scan'] & A['zoneScan']>;

/** A run of a workflow that is no operation on a cluster: what it is told, and the activities that it calls, played. */
export interface OtherRun {
  type: string;
  args: unknown[];
  activities: Played;
}

const done = () => Promise.resolve();
const refuse = () => Promise.reject(fault('HypervisorRefused', 'it refuses'));
const ids = (what: string, count: number) => Array.from({ length: count }, (_, i) => `${what}-${i + 1}`);

/** As somebody who cancels the run in the Temporal Web UI while an activity of it works. */
async function cancelled(): Promise<never> {
  const { client, info } = Context.current();
  await client.workflow.getHandle(info.workflowExecution!.workflowId).cancel();
  return hang();
}

const machine = (kind: MachineChangeKind, params: MachineChangeParams = {}, more: Played = {}): OtherRun => ({
  type: 'changeMachine',
  args: [{ jobId: 'job' }],
  activities: {
    claimMachineChange: () => Promise.resolve({ kind, machineName: 'm', limitSeconds: 60, params }),
    ensureMachinePlaced: done,
    ensureMachineVolume: done,
    ensureMachineDefined: done,
    ensureMachineRunning: done,
    ensureMachineStopped: done,
    ensureMachineGone: done,
    ensureMachineUnmade: done,
    ensureMachineSeen: done,
    settleMachineChange: done,
    ...more,
  },
});

const image = (kind: ImageWork['kind'], put: Played['ensureImageInPool'] = done): OtherRun => ({
  type: 'fetchImage',
  args: [{ imageId: 'image' }],
  activities: {
    beginImageRun: () =>
      Promise.resolve({
        kind,
        copies: ids('host', 6).map((hostName) => ({ poolId: `pool-${hostName}`, hostId: `id-${hostName}`, hostName })),
        limitSeconds: 60,
      }),
    ensureImageInPool: put,
    ensureImageGone: done,
    noteImageFailure: done,
    settleImageRun: done,
  },
});

function network(...answers: (() => Promise<void>)[]): OtherRun {
  const ensureNetworkApplied = () => (answers.shift() ?? done)();
  const args = [{ jobId: 'job', networkId: 'network', vpcId: null }];
  return { type: 'applyNetwork', args, activities: { ensureNetworkApplied, settleNetworkChange: done } };
}

const zone = (lookAtZone: Played['lookAtZone']): OtherRun => ({
  type: 'scanZone',
  args: ['zone'],
  activities: { lookAtZone },
});

const facts = { hypervisor: 'KVM', arch: 'x86_64', cpus: 4, ramMb: 8192 };
const probe = (asked: object, readHostFacts: Played['readHostFacts'] = () => Promise.resolve(facts)): OtherRun => ({
  type: 'probeHost',
  args: [asked],
  activities: { readHostFacts, readHostKey: () => Promise.resolve({ key: 'key', fingerprint: 'fingerprint' }) },
});

/** By the name of the file that keeps it: each way through each of these workflows. */
export const OTHER_RUNS: Record<string, OtherRun> = {
  'apply-network.done': network(),
  'apply-network.failed': network(refuse),
  'apply-network.failed-twice': network(refuse, refuse),
  'apply-network.cancelled': network(cancelled),
  'apply-retention.done': { type: 'applyRetention', args: [], activities: { applyRetention: done } },
  'fetch-image.done': image('fetch'),
  'fetch-image.failed': image('fetch', (_, { hostName }) => (hostName === 'host-2' ? refuse() : done())),
  'fetch-image.removed': image('remove'),
  'machine-deploy.done': machine('deploy', { start: true }),
  'machine-deploy.done-stopped': machine('deploy', { start: false }),
  'machine-deploy.failed': machine('deploy', {}, { ensureMachineDefined: refuse }),
  'machine-deploy.cancelled': machine('deploy', {}, { ensureMachineDefined: cancelled }),
  'machine-import.done': machine('import'),
  'machine-start.done': machine('start'),
  'machine-start.failed': machine('start', {}, { ensureMachineRunning: refuse }),
  'machine-start.failed-unseen': machine('start', {}, { ensureMachineRunning: refuse, ensureMachineSeen: refuse }),
  'machine-stop.done': machine('stop'),
  'machine-stop.done-forced': machine('stop', { forced: true }),
  'machine-reboot.done': machine('reboot'),
  'machine-destroy.done': machine('destroy'),
  'machine-destroy.failed': machine('destroy', {}, { ensureMachineGone: refuse }),
  'machine.not-claimed': machine('start', {}, { claimMachineChange: () => Promise.resolve(null) }),
  'probe-host.facts': probe({ hostId: 'host' }),
  'probe-host.key': probe({ address: 'host', port: 22 }),
  'probe-host.failed': probe({ hostId: 'host' }, refuse),
  'scan-operations.done': { type: 'scanOperations', args: [], activities: { settleOperations: done } },
  'scan-zone.done': zone(done),
  'scan-zone.failed': zone(refuse),
};
