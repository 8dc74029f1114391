import { h } from '../dom.js';

/** Colour by what a state means to its reader; the word itself is always there. */
const TONE: Record<string, string> = {
  Running: 'good', Ready: 'good', succeeded: 'good', done: 'good', Enabled: 'good', Up: 'good', Down: 'bad', Failed: 'bad',
  Error: 'bad', Alert: 'bad', failed: 'bad', leftover: 'bad', ERROR: 'bad',
  Starting: 'busy', Stopping: 'busy', Scaling: 'busy', Upgrading: 'busy', Destroying: 'busy', Importing: 'busy', RemovingNodes: 'busy', Recovering: 'busy',
  running: 'busy', queued: 'busy', pausing: 'warn', paused: 'warn', cancelling: 'warn', undoing: 'warn', WARN: 'warn', cancelled: 'warn',
}; // prettier-ignore

export const badge = (state: unknown): HTMLElement =>
  h('span', { class: `badge ${TONE[String(state)] ?? 'plain'}` }, String(state));

export const simulatedBadge = (): HTMLElement =>
  h('span', { class: 'badge simulated', title: 'This zone is simulated: no real machine is made' }, 'SIMULATED');
