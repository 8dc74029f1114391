import type { Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { notice } from './notice.js';
import { stepList } from './steps.js';

/** A plan as the API answers it: its warnings, then its steps; in words where it has none. */
export function planView(plan: Item, heading: Child, nothing: string): Child {
  const steps = plan['steps'] as Item[];
  if (steps.length === 0) return notice('plain', nothing);
  const warnings = (plan['warnings'] ?? []) as string[];
  return [warnings.map((each) => h('p', { class: 'notice warn' }, each)), heading, stepList(steps)];
}
