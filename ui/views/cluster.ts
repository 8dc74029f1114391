import { call, list, type Item } from '../api.js';
import { h, show } from '../dom.js';
import { watchOperation } from '../events.js';
import { clusterHead, clusterFacts, nodesTable } from '../parts/cluster.js';
import { accessLines } from '../parts/access.js';
import { clusterActions } from '../parts/cluster-actions.js';
import { download } from '../parts/download.js';
import { attempt, notice } from '../parts/notice.js';
import { operationCard } from '../parts/operation.js';
import { refresh } from '../refresh.js';
import { linkTo, type ShowView } from '../router.js';
import { fileName } from '../words.js';
import { simulatedZones } from '../zones.js';

const EVERY_MS = 3000;
const SHOWN_BEFORE = 10;

/** A cluster: its state, its newest operation live, its nodes, and what came before. */
export const clusterView: ShowView = ({ main, route, signal }) => {
  const id = route.path[1] ?? '';
  const trouble = h('div');
  const said = h('div');
  const head = h('div');
  const current = h('div', { 'aria-label': 'Newest operation' });
  const rest = h('div');
  main.append(h('p', {}, h('a', { href: linkTo([]) }, '‹ All clusters')), trouble, head, said, current, rest);
  const newest = { id: '' };
  let watch: AbortController | undefined;

  const follow = (operation: Item) => {
    show(current, operationCard(operation, { changed: reading.now, signal }));
    if (operation.ended !== undefined || newest.id === operation.id) return;
    watch?.abort();
    watch = new AbortController();
    newest.id = String(operation.id);
    watchOperation(newest.id, AbortSignal.any([watch.signal, signal]), (changed) => {
      show(current, operationCard(changed, { changed: reading.now, signal }));
      if (changed.ended !== undefined) {
        newest.id = '';
        reading.now();
      }
    });
  };

  const kubeconfig = (cluster: Item) => (event: MouseEvent) =>
    void attempt(event.currentTarget as HTMLButtonElement, said, async () => {
      const { clusterconfig } = await call('getKubernetesClusterConfig', { id });
      download(`${fileName(String(cluster.name))}.kubeconfig`, String(clusterconfig.configdata));
    });

  const reading = refresh(EVERY_MS, signal, trouble, async () => {
    const [found, operations, simulated] = await Promise.all([
      list('listKubernetesClusters', 'kubernetescluster', { id, listall: 'true' }, signal),
      list(
        'listKubernetesClusterOperations',
        'kubernetesclusteroperation',
        { kubernetesclusterid: id, page: '1', pagesize: String(SHOWN_BEFORE + 1) },
        signal,
      ),
      simulatedZones(),
    ]);
    const cluster = found.items[0];
    const forwards =
      cluster?.networkid === undefined
        ? []
        : await list('listPortForwardingRules', 'portforwardingrule', { networkid: String(cluster.networkid), listall: 'true' }, signal).then(({ items }) => items, () => []); // prettier-ignore
    if (signal.aborted) return;
    const [first, ...earlier] = operations.items;
    if (!cluster)
      show(head, notice('plain', 'This cluster was deleted. ', h('a', { href: linkTo([]) }, 'All clusters')));
    else {
      const actions = [
        h('button', { key: 'kubeconfig', type: 'button', onclick: kubeconfig(cluster) }, 'Download kubeconfig'),
        clusterActions(cluster, { signal, changed: reading.now }),
      ];
      show(head, clusterHead(cluster, simulated.has(String(cluster.zoneid)), actions), clusterFacts(cluster));
    }
    // The stream knows more than this answer while it runs.
    if (!first) show(current);
    else if (first.id !== newest.id) follow(first);
    show(
      rest,
      cluster && [nodesTable(cluster), accessLines(cluster, forwards)],
      earlier.length > 0 && h('h2', {}, 'Earlier operations'),
      earlier.map((each) => h('details', { key: each.id }, h('summary', {}, `${String(each.operation)} — ${String(each.state)}`), operationCard(each))),
      operations.count > SHOWN_BEFORE + 1 && h('p', { class: 'dim' }, `${operations.count - SHOWN_BEFORE - 1} older operations are not shown; the API lists them.`),
    ); // prettier-ignore
  });
};
