import { list, wordsOf, type Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { memoryText } from '../words.js';
import { openDialog } from './dialog.js';
import { askDelete } from './delete-dialog.js';
import { fieldText } from './form.js';
import { notice } from './notice.js';
import { askWithPlan, type PlannedAction } from './plan-dialog.js';
import { chosenNodes, nodeBoxes, nodesOf } from './node-boxes.js';
import type { Acting } from './operation.js';
import { askScale } from './scale-dialog.js';
import { upgradeChoices } from './upgrade-choices.js';

/** Asks with a plan; what has to be read for its fields is read first. */
async function open(heading: string, acting: Acting, make: () => Promise<PlannedAction>): Promise<void> {
  try {
    const action = await make();
    if (!acting.signal.aborted) askWithPlan(action, acting.signal);
  } catch (error) {
    if (acting.signal.aborted) return;
    openDialog(heading, acting.signal, (close) => [
      notice('bad', wordsOf(error)),
      h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: close }, 'Close')),
    ]);
  }
}

const select = (name: string, label: string, choices: Child[]): Child =>
  h(
    'div',
    { class: 'field' },
    h('label', { for: `do-${name}` }, label),
    h('select', { id: `do-${name}`, name, required: true }, choices),
  );

function askUpgrade(cluster: Item, acting: Acting): Promise<void> {
  const heading = `Upgrade cluster ${String(cluster.name)}`;
  return open(heading, acting, async () => {
    const { items } = await list('listKubernetesSupportedVersions', 'kubernetessupportedversion', {}, acting.signal);
    const choices = upgradeChoices(cluster, items);
    if (choices.length === 0)
      throw new Error(
        `No version is above ${String(cluster.kubernetesversionname)} that it can be upgraded to: of the same minor or the next, Enabled, its medium ready.`,
      );
    return {
      heading,
      command: 'upgradeKubernetesCluster',
      says: h('p', {}, `It runs ${String(cluster.kubernetesversionname)}. Nodes are drained and upgraded one after the other.`),
      fields: select('kubernetesversionid', 'Kubernetes version', choices.map((each) => h('option', { value: each.id as string }, String(each.name)))),
      parameters: (form) => ({ id: String(cluster.id), kubernetesversionid: fieldText(form, 'kubernetesversionid') }),
      go: 'Upgrade',
      started: acting.changed,
    }; // prettier-ignore
  });
}

function askAddNodes(cluster: Item, acting: Acting): Promise<void> {
  const heading = `Add machines of your own to ${String(cluster.name)}`;
  return open(heading, acting, async () => {
    const { items } = await list('listVirtualMachines', 'virtualmachine', { networkid: String(cluster.networkid) }, acting.signal);
    const free = items.filter(({ vmtype, state }) => vmtype !== 'cksnode' && state === 'Running');
    if (free.length === 0)
      throw new Error('No running machine of yours is in the network of this cluster. Deploy one there first, on the page Machines.');
    return {
      heading,
      command: 'addNodesToKubernetesCluster',
      fields: [
        nodeBoxes('Machines', free, (each) => `${String(each.name)} — ${String(each.cpunumber)} CPU, ${memoryText(each.memory)}`),
        h('label', { class: 'box' }, h('input', { type: 'checkbox', name: 'manualupgrade', value: 'true' }), 'I upgrade them myself'),
      ],
      parameters: (form) => ({ id: String(cluster.id), nodeids: chosenNodes(form), manualupgrade: fieldText(form, 'manualupgrade') || undefined }),
      go: 'Add them',
      started: acting.changed,
    };
  }); // prettier-ignore
}

const external = (cluster: Item): Item[] => nodesOf(cluster).filter(({ isexternalnode }) => isexternalnode === true);
const replaceable = (cluster: Item): Item[] =>
  nodesOf(cluster).filter(({ isexternalnode, isetcdnode }) => isexternalnode !== true && isetcdnode !== true);

/** What is asked where only nodes or nothing is to be chosen. */
function simple(cluster: Item, acting: Acting, rest: Pick<PlannedAction, 'heading' | 'command' | 'go'> & Partial<PlannedAction>): void {
  askWithPlan({ parameters: () => ({ id: String(cluster.id) }), started: acting.changed, ...rest }, acting.signal);
} // prettier-ignore

interface Action {
  text: string;
  states: readonly string[];
  danger?: boolean;
  lacks?: (cluster: Item) => string | undefined;
  act: (cluster: Item, acting: Acting) => unknown;
}

const ACTIONS: readonly Action[] = [
  {
    text: 'Start …', states: ['Stopped', 'Alert'],
    act: (cluster, acting) => simple(cluster, acting, { heading: `Start cluster ${String(cluster.name)}`, command: 'startKubernetesCluster', go: 'Start' }),
  },
  {
    text: 'Stop …', states: ['Running', 'Alert'],
    act: (cluster, acting) =>
      simple(cluster, acting, {
        heading: `Stop cluster ${String(cluster.name)}`, command: 'stopKubernetesCluster', go: 'Stop',
        says: h('p', {}, 'Everything that runs on it rests meanwhile. Disks, addresses and rules stay.'),
      }),
  },
  { text: 'Scale …', states: ['Running', 'Stopped'], act: askScale },
  { text: 'Upgrade …', states: ['Running'], act: askUpgrade },
  { text: 'Add nodes …', states: ['Running', 'Alert'], act: askAddNodes },
  {
    text: 'Remove nodes …', states: ['Running', 'Alert'],
    lacks: (cluster) => (external(cluster).length === 0 ? 'It has no machine of your own; to remove others, scale it' : undefined),
    act: (cluster, acting) =>
      simple(cluster, acting, {
        heading: `Remove your machines from ${String(cluster.name)}`, command: 'removeNodesFromKubernetesCluster', go: 'Remove them',
        says: h('p', {}, 'They are drained and reset, and stay yours: nothing is destroyed.'),
        fields: nodeBoxes('Machines', external(cluster), (each) => String(each.name)),
        parameters: (form) => ({ id: String(cluster.id), nodeids: chosenNodes(form) }),
      }),
  },
  {
    text: 'Replace a node …', states: ['Running', 'Alert'],
    lacks: (cluster) => (replaceable(cluster).length === 0 ? 'It has no node that the service made' : undefined),
    act: (cluster, acting) =>
      simple(cluster, acting, {
        heading: `Replace a node of ${String(cluster.name)}`, command: 'replaceKubernetesNode', go: 'Replace it',
        says: h('p', {}, 'A new node takes its place first; what is stored on the old one is gone for good.'),
        fields: select('nodeid', 'Node', replaceable(cluster).map((each) => h('option', { value: each.id as string }, `${String(each.name)} (${String(each.state)})`))),
        parameters: (form) => ({ id: String(cluster.id), nodeid: fieldText(form, 'nodeid') }),
      }),
  },
]; // prettier-ignore

/** Why an action cannot begin now; undefined when it can. */
export function reasonAgainst(cluster: Item, { states, lacks }: Pick<Action, 'states' | 'lacks'>): string | undefined {
  if (cluster.clustertype === 'ExternalManaged') return 'Somebody else runs this cluster: the service made none of its machines';
  if (cluster.operation !== undefined) return `It is busy with "${String(cluster.operation)}"`;
  if (!states.includes(String(cluster.state))) return `It is ${String(cluster.state)}: this needs it to be ${states.join(' or ')}`;
  return lacks?.(cluster);
} // prettier-ignore

/** Buttons for everything that can be done to a cluster. One that cannot be used now stays in reach of the keyboard and says why. */
export function clusterActions(cluster: Item, acting: Acting): Child {
  const buttons = ACTIONS.map((action) => {
    const reason = reasonAgainst(cluster, action);
    const onclick = reason === undefined ? () => void action.act(cluster, acting) : undefined;
    return h('button', { key: action.text, type: 'button', class: reason === undefined ? '' : 'off', 'aria-disabled': reason !== undefined && 'true', title: reason, onclick }, action.text);
  }); // prettier-ignore
  return [
    buttons,
    h('button', { key: 'delete', type: 'button', class: 'danger', onclick: () => askDelete(cluster, acting.signal, acting.changed) }, 'Delete …'),
  ]; // prettier-ignore
}
