import type { ZoneQueue } from './zone-queue.js';

/** What can be done to one machine of a user, and what its run is told. */
export const MACHINE_CHANGE_KINDS = ['deploy', 'import', 'start', 'stop', 'reboot', 'destroy'] as const;
export type MachineChangeKind = (typeof MACHINE_CHANGE_KINDS)[number];

export const machineWorkflowIdOf = (jobId: string): string => `vm-${jobId}`;

/** What the run of a change starts with; everything else it reads from the database. */
export interface MachineChangeInput {
  jobId: string;
}

/** What was asked for beyond the machine's row. */
export interface MachineChangeParams {
  /** Deploy: leave it running. */
  start?: boolean;
  /** Deploy, start: on this host and no other. */
  hostId?: string;
  /** Stop, reboot: do not wait for the guest. */
  forced?: boolean;
  /** Deploy: values that the user data finds in its metadata. */
  metadata?: Record<string, string>;
}

/** A change that a run now holds. */
export interface MachineClaim {
  kind: MachineChangeKind;
  machineName: string;
  limitSeconds: number;
  params: MachineChangeParams;
  queue?: ZoneQueue;
}

export interface MachineOutcome {
  ok: boolean;
  /** Why not, in words. */
  reason?: string;
}

/** Words of each kind for events and messages, its event type (`api.md` §1.9), and the command class a job shows. */
export const MACHINE_CHANGES: Record<MachineChangeKind, { event: string; phrase: string; command: string }> = {
  deploy: { event: 'VM.CREATE', phrase: 'deploying machine', command: 'DeployVMCmd' },
  import: { event: 'VM.IMPORT', phrase: 'importing machine', command: 'ImportVMCmd' },
  start: { event: 'VM.START', phrase: 'starting machine', command: 'StartVMCmd' },
  stop: { event: 'VM.STOP', phrase: 'stopping machine', command: 'StopVMCmd' },
  reboot: { event: 'VM.REBOOT', phrase: 'rebooting machine', command: 'RebootVMCmd' },
  destroy: { event: 'VM.DESTROY', phrase: 'destroying machine', command: 'DestroyVMCmd' },
};
