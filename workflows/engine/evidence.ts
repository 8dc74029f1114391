import { patched } from '@temporalio/workflow';
import type { NodeRef } from '../model/operation.js';
import type { PlanLine } from '../model/plan.js';
import type { ZoneQueue } from '../model/zone-queue.js';
import { looking } from '../stubs.js';

const ON_A_NODE = /^(control|worker|etcd)-(\d+): /;
const KINDS = /^(node|kubernetes|etcd|component|machine\.ssh)\b/;
const MOST_NODES = 3;

/** Nodes whose word explains why these lines failed; the first control node where a line names none. */
export function nodesToAsk(lines: readonly Pick<PlanLine, 'title' | 'kind'>[]): NodeRef[] {
  const found = new Map<string, NodeRef>();
  for (const { title, kind } of lines) {
    if (!KINDS.test(kind)) continue;
    const [, role = 'control', index = '1'] = ON_A_NODE.exec(title) ?? [];
    found.set(`${role}-${index}`, { role: role as NodeRef['role'], index: Number(index) });
  }
  return [...found.values()].slice(0, MOST_NODES);
}

/** The gist of what the nodes say; the whole is kept with the operation. Nothing when it cannot be had: the failure is told all the same. */
export async function evidenceOf(
  operationId: string,
  lines: readonly Pick<PlanLine, 'title' | 'kind'>[],
  queue: ZoneQueue | undefined,
): Promise<string | undefined> {
  const nodes = nodesToAsk(lines);
  if (nodes.length === 0 || !patched('evidence')) return undefined;
  try {
    return (await looking(queue).collectEvidence(operationId, nodes)) || undefined;
  } catch {
    return undefined;
  }
}
