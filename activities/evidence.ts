import { keepEvidence, type EvidenceFacts } from '../db/evidence.js';
import { readOperation } from '../db/operations.js';
import { textOf } from '../workflows/model/fault.js';
import type { NodeRef } from '../workflows/model/operation.js';
import type { Deps } from './deps.js';
import { Guests } from './node/guest.js';

/** Kept of each subject: its end, where the latest is. */
const MOST_TEXT = 1500;
const MOST_SUMMARY = 600;

/** What nodes say about themselves after a step on them has failed. */
export const evidenceActivities = (deps: Deps) => {
  const guests = new Guests(deps);

  const ask = async (clusterId: string, ref: NodeRef, key: string): Promise<{ name: string; facts: EvidenceFacts }> => {
    const context = await guests.open(clusterId, ref);
    try {
      const found = await guests.run(context, 'evidence', key, () => ({}));
      const facts = Object.entries(found).map(([subject, text]) => [subject, String(text).trim().slice(-MOST_TEXT)]);
      return { name: context.vm.name, facts: Object.fromEntries(facts) as EvidenceFacts };
    } catch (error) {
      return { name: context.vm.name, facts: { unreachable: textOf(error).slice(0, MOST_TEXT) } };
    }
  };

  return {
    /** Leaves what each of the nodes says with the operation, and answers the gist of it. Nodes without a machine are left out. */
    async collectEvidence(operationId: string, nodes: readonly NodeRef[]): Promise<string> {
      const operation = await readOperation(deps.db, operationId);
      if (!operation) return '';
      const answers = await Promise.allSettled(
        nodes.map((ref) => ask(operation.cluster_id, ref, `${operationId}-${ref.role}-${ref.index}`)),
      );
      const known = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      for (const { name, facts } of known) await keepEvidence(deps.db, operationId, name, facts);
      return known.map(({ name, facts }) => `${name}: ${gist(facts)}`).join('; ');
    },
  };
};

/** What a person would look for first: units that are not well, and the last that the kubelet said. */
export function gist({ unreachable, units = '', kubelet = '', disk = '', clock = '' }: EvidenceFacts): string {
  if (unreachable !== undefined) return unreachable;
  const ill = units.split('\n').filter((line) => /\b(failed|auto-restart|activating)\b/.test(line)).map((line) => line.trim().replace(/\s+/g, ' ')); // prettier-ignore
  const last = (text: string) => text.split('\n').filter(Boolean).at(-1) ?? '';
  const full = disk.split('\n').filter((line) => /\b(9\d|100)%/.test(line));
  return [
    ill.length > 0 ? `units: ${ill.slice(0, 3).join(', ')}` : 'no unit has failed',
    ...(kubelet === '' ? [] : [`kubelet: ${last(kubelet).slice(0, 250)}`]),
    ...full.map((line) => `disk: ${line.replace(/\s+/g, ' ')}`),
    `clock: ${last(clock)}`,
  ]
    .join(', ')
    .slice(0, MOST_SUMMARY);
}
