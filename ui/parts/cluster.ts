import type { Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { endpointLink, sizeText } from '../views/clusters.js';
import { dateText, memoryText } from '../words.js';
import { badge, simulatedBadge } from './badge.js';
import { table } from './table.js';

export const clusterHead = (cluster: Item, simulated: boolean, actions: Child): HTMLElement =>
  h(
    'div',
    {},
    h('div', { class: 'head' }, h('h1', {}, String(cluster.name), ' ', badge(cluster.state), ' ', simulated && simulatedBadge()), h('div', { class: 'buttons' }, actions)),
    cluster.reason !== undefined && h('p', { class: `notice ${cluster.state === 'Error' || cluster.state === 'Alert' ? 'bad' : 'warn'}` }, String(cluster.reason)),
    ((cluster.warnings ?? []) as string[]).map((each) => h('p', { class: 'notice warn' }, each)),
  ); // prettier-ignore

export function clusterFacts(cluster: Item): HTMLElement {
  const facts: [string, Child][] = [
    ['Kubernetes', String(cluster.kubernetesversionname ?? '—')],
    ['Size', sizeText(cluster)],
    ['CPU and memory', `${String(cluster.cpunumber)} CPU, ${memoryText(cluster.memory)}`],
    ['Endpoint', endpointLink(cluster.endpoint)],
    ['Zone', String(cluster.zonename)],
    ['Network', String(cluster.associatednetworkname ?? '—')],
    ['Key pair', String(cluster.keypair ?? '—')],
    ['Owner', String(cluster.account ?? '—')],
    ['Created', dateText(cluster.created)],
    ['Id', h('code', {}, String(cluster.id))],
  ];
  return h('dl', { class: 'facts' }, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))); // prettier-ignore
}

/** The wire has no field for the role: the service's own nodes end in `-control-<random>` or `-node-<random>`. */
const roleOf = (node: Item): string =>
  node.isetcdnode
    ? 'etcd'
    : node.isexternalnode
      ? 'worker (yours)'
      : /-control-[^-]+$/.test(String(node.name))
        ? 'control'
        : 'worker';

export function nodesTable(cluster: Item): HTMLElement {
  const nodes = (cluster.virtualmachines ?? []) as Item[];
  const columns = [
    { title: 'Name', cell: (each: Item) => String(each.name) },
    { title: 'Role', cell: roleOf },
    { title: 'Machine', cell: (each: Item) => badge(each.state) },
    { title: 'Version', cell: (each: Item) => String(each.kubernetesnodeversion ?? '—') },
    { title: 'Address', cell: (each: Item) => String(each.ipaddress ?? '—') },
    ...(nodes.some((each) => each.hostname !== undefined)
      ? [{ title: 'Host', cell: (each: Item) => String(each.hostname ?? '—') }]
      : []),
  ];
  return h(
    'div',
    { key: 'nodes' },
    h('h2', {}, 'Nodes'),
    nodes.length === 0
      ? h('p', { class: 'empty' }, 'There are no nodes.')
      : table('Nodes', columns, nodes, (each) => String(each.id)),
  );
}
