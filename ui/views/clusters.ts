import type { Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { badge, simulatedBadge } from '../parts/badge.js';
import { listing } from '../parts/listing.js';
import { linkTo, type ShowView } from '../router.js';
import { memoryText } from '../words.js';
import { simulatedZones } from '../zones.js';

const EVERY_MS = 3000;

/** `https:` only: a cell never turns text from the server into another kind of link. */
export const endpointLink = (endpoint: unknown): Child => {
  const text = typeof endpoint === 'string' ? endpoint : '';
  return /^https:\/\//.test(text)
    ? h('a', { href: text, rel: 'noopener noreferrer', target: '_blank' }, text)
    : text || '—';
};

export const sizeText = (cluster: Item): string =>
  `${cluster.controlnodes} control, ${cluster.size} worker${cluster.size === 1 ? '' : 's'}${Number(cluster.etcdnodes) > 0 ? `, ${cluster.etcdnodes} etcd` : ''}`;

export const clustersView: ShowView = (view) => {
  let simulated = new Set<string>();
  const state = (cluster: Item) => [
    badge(cluster.state),
    cluster.operation !== undefined && h('span', { class: 'dim' }, ` ${String(cluster.operation)} …`),
    cluster.reason !== undefined && h('p', { class: 'reason' }, String(cluster.reason)),
  ];
  view.main.append(
    h(
      'div',
      { class: 'head' },
      h('h1', {}, 'Clusters'),
      h('a', { class: 'button main', href: linkTo(['create']) }, 'Create a cluster'),
    ),
  );
  const shown = listing(view, view.main, {
    caption: 'Kubernetes clusters',
    command: 'listKubernetesClusters',
    key: 'kubernetescluster',
    parameters: { listall: 'true' },
    everyMs: EVERY_MS,
    empty: ['There is no cluster yet. ', h('a', { href: linkTo(['create']) }, 'Create one'), '.'],
    columns: [
      { title: 'Name', cell: (each) => h('a', { href: linkTo(['clusters', String(each.id)]) }, String(each.name)) },
      { title: 'State', cell: state },
      { title: 'Version', cell: (each) => String(each.kubernetesversionname ?? '—') },
      { title: 'Size', cell: sizeText },
      {
        title: 'Zone',
        cell: (each) => [String(each.zonename), ' ', simulated.has(String(each.zoneid)) && simulatedBadge()],
      },
      { title: 'CPU', number: true, cell: (each) => String(each.cpunumber) },
      { title: 'Memory', number: true, cell: (each) => memoryText(each.memory) },
      { title: 'Endpoint', cell: (each) => endpointLink(each.endpoint) },
    ],
  });
  void simulatedZones().then((found) => {
    simulated = found;
    shown.now();
  }, () => undefined); // prettier-ignore
};
