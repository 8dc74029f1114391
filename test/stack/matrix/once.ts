import type { Effect } from '../stack.js';
import { isFatal, type Case } from './cases.js';

/** Effects that a case may leave once: on the thing of their key, or on their node whatever the key of the run. */
const ONCE: readonly [kinds: RegExp, subject: (effect: Effect) => string][] = [
  [/^(volume|seed)\.(create|delete)$/, ({ key }) => key],
  [/^domain\.(define|start|stop|resize|delete)$/, ({ key }) => key],
  [/^medium\.(attach|detach)$/, ({ key }) => key],
  [/^gateway\.(address|delete)$/, ({ key }) => key],
  [/^node\.(upload|install|init|join|upgrade|reset)$/, ({ node }) => String(node)],
  [/^kubernetes\.delete\.nodes$/, ({ key }) => key],
];

/** Where an effect is right again: once another on the same thing came between, which took it back, or, where none is named, at once. */
interface Exception {
  kinds: RegExp;
  after?: RegExp;
  of: (one: Case) => boolean;
  why: string;
}
const EXCEPTIONS: readonly Exception[] = [
  {
    kinds: /^domain\.resize$/,
    of: ({ then }) => then === 'cancel',
    why: 'a cancel gives a machine the size of before',
  },
  {
    kinds: /^domain\.(stop|start)$/,
    after: /^domain\.(stop|start)$/,
    of: ({ operation, then }) => then === 'cancel' && /^larger/.test(operation),
    why: 'that is for a machine that is off: a cancel stops one that was started again',
  },
  {
    kinds: /^medium\.(attach|detach)$/,
    after: /^medium\.(attach|detach)$/,
    of: ({ kind, fault }) => kind.startsWith('node.upgrade.') && isFatal(fault),
    why: 'what was staged may be gone from a node whose upgrade failed: it is staged again',
  },
  {
    kinds: /^(node\.join|medium\.(attach|detach))$/,
    after: /^(node\.reset|medium\.(attach|detach))$/,
    of: ({ operation }) => operation === 'add nodes',
    why: "a user's machine that does not come through is let go at once, and taken in anew by a resume",
  },
];

/** The machines and the network of a cluster, by which its effects are known. */
export interface Own {
  machines: { instance_name: string; name: string }[];
  networkId: string;
}
const isOf = ({ machines, networkId }: Own, { key, node, network }: Effect) =>
  key === networkId ||
  network === networkId ||
  machines.some(({ instance_name, name }) => key.startsWith(instance_name) || key === name || node === name);

/** What a case did again on the same thing, and no exception allows; empty is how it should be. */
export function doneAgain(one: Case, effects: readonly Effect[], own: Own): string[] {
  const last = new Map<string, number>();
  const mine = effects.filter((effect) => isOf(own, effect));
  return mine.flatMap((effect, at) => {
    const subject = ONCE.find(([kinds]) => kinds.test(effect.kind))?.[1](effect);
    if (subject === undefined) return [];
    const thing = `${effect.kind} of ${subject}`;
    const before = last.get(thing);
    last.set(thing, at);
    if (before === undefined) return [];
    const between = mine
      .slice(before + 1, at)
      .filter(({ key, node }) => key.startsWith(subject) || (node !== null && node === effect.node));
    const isAllowed = EXCEPTIONS.some(
      ({ kinds, after, of }) =>
        kinds.test(effect.kind) && of(one) && (!after || between.some(({ kind }) => after.test(kind))),
    );
    return isAllowed ? [] : [`${thing}: again, after ${between.map(({ kind }) => kind).join(', ') || 'nothing'}`];
  });
}
