import { list, type Item, type Sent } from '../api.js';
import { h, type Child } from '../dom.js';
import { memoryText } from '../words.js';
import { fieldText } from './form.js';
import { chosenNodes, nodeBoxes, nodesOf } from './node-boxes.js';
import type { Acting } from './operation.js';
import { askWithPlan } from './plan-dialog.js';

const WAYS: readonly (readonly [value: string, text: string])[] = [
  ['size', 'Number of workers'],
  ['nodes', 'Remove certain nodes'],
  ['offering', 'Offering of the nodes'],
  ['autoscaling', 'Autoscaling'],
];

const number = (name: string, label: string, value: unknown): Child =>
  h(
    'div',
    { class: 'field' },
    h('label', { for: `scale-${name}` }, label),
    h('input', { id: `scale-${name}`, name, type: 'number', min: 1, step: 1, value: value as number }),
  );

/** What the chosen way sends; the API takes no mixture of them. */
function sent(form: HTMLFormElement): Sent {
  const text = (name: string) => fieldText(form, name) || undefined;
  switch (fieldText(form, 'way')) {
    case 'nodes':
      return { nodeids: chosenNodes(form) };
    case 'offering': {
      const role = fieldText(form, 'role');
      const offering = fieldText(form, 'offering');
      return role === ''
        ? { serviceofferingid: offering }
        : { 'nodeofferings[0].node': role, 'nodeofferings[0].offering': offering };
    }
    case 'autoscaling':
      return fieldText(form, 'autoscalingenabled') === 'true'
        ? { autoscalingenabled: 'true', minsize: text('minsize'), maxsize: text('maxsize') }
        : { autoscalingenabled: 'false' };
    default:
      return { size: text('size') };
  }
}

/** Changes the number of workers, lets certain nodes go, changes offerings, or turns autoscaling on and off. */
export async function askScale(cluster: Item, acting: Acting): Promise<void> {
  const found = await list('listServiceOfferings', 'serviceoffering', {}, acting.signal).catch(() => ({
    items: [] as Item[],
  }));
  if (acting.signal.aborted) return;
  const own = nodesOf(cluster).filter(
    ({ isexternalnode, isetcdnode }) => isexternalnode !== true && isetcdnode !== true,
  );
  const panes: Record<string, Child> = {
    size: [number('size', 'Workers', cluster.size), h('p', { class: 'hint' }, 'Machines that you added count too.')],
    nodes: nodeBoxes('Nodes to remove', own, (each) => String(each.name)),
    offering: [
      h('div', { class: 'field' }, h('label', { for: 'scale-role' }, 'Nodes'), h('select', { id: 'scale-role', name: 'role' }, [['', 'All'], ['control', 'Control'], ['worker', 'Workers'], ...(Number(cluster.etcdnodes) > 0 ? [['etcd', 'etcd']] : [])].map(([value, text]) => h('option', { value }, text)))),
      h('div', { class: 'field' }, h('label', { for: 'scale-offering' }, 'New offering'), h('select', { id: 'scale-offering', name: 'offering' }, found.items.map((each) => h('option', { value: each.id as string, selected: each.id === cluster.serviceofferingid }, `${String(each.name)} — ${String(each.cpunumber)} CPU, ${memoryText(each.memory)}`)))),
    ],
    autoscaling: [
      h('label', { class: 'box' }, h('input', { type: 'checkbox', name: 'autoscalingenabled', value: 'true', checked: cluster.autoscalingenabled === true }), 'On'),
      h('div', { class: 'grid' }, number('minsize', 'Fewest workers', cluster.minsize ?? 1), number('maxsize', 'Most workers', cluster.maxsize ?? 3)),
    ],
  }; // prettier-ignore
  const drawn = new Map(WAYS.map(([value]) => [value, h('div', { hidden: value !== 'size' }, panes[value])]));
  const choose = (event: Event) => {
    const way = (event.currentTarget as HTMLSelectElement).value;
    for (const [value, pane] of drawn) pane.hidden = value !== way;
  };
  askWithPlan(
    {
      heading: `Scale cluster ${String(cluster.name)}`,
      command: 'scaleKubernetesCluster',
      fields: [
        h('div', { class: 'field' }, h('label', { for: 'scale-way' }, 'What to change'), h('select', { id: 'scale-way', name: 'way', onchange: choose }, WAYS.map(([value, text]) => h('option', { value }, text)))),
        [...drawn.values()],
      ],
      parameters: (form) => ({ id: String(cluster.id), ...sent(form) }),
      go: 'Scale',
      started: acting.changed,
    },
    acting.signal,
  ); // prettier-ignore
}
