import type { Item } from '../api.js';
import { h } from '../dom.js';

export const nodesOf = (cluster: Item): Item[] => (cluster.virtualmachines ?? []) as Item[];

/** Boxes to tick; `chosenNodes` reads them as `nodeids`. */
export const nodeBoxes = (legend: string, machines: readonly Item[], describe: (machine: Item) => string): HTMLElement =>
  h(
    'fieldset',
    {},
    h('legend', {}, legend),
    machines.map((each) => h('label', { class: 'box' }, h('input', { type: 'checkbox', name: 'nodeids', value: each.id as string }), describe(each))),
  ); // prettier-ignore

export const chosenNodes = (form: HTMLFormElement): string =>
  new FormData(form)
    .getAll('nodeids')
    .filter((each) => typeof each === 'string')
    .join(',');
