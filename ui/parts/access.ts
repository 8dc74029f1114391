import type { Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { fileName, shellWord } from '../words.js';
import { copyBox } from './copy.js';

const TOOLS = 'https://kubernetes.io/docs/tasks/tools/';
const PROXY =
  'http://localhost:8001/api/v1/namespaces/kubernetes-dashboard/services/https:kubernetes-dashboard:/proxy/';

/** Lines for a terminal. Names are quoted: a cluster's name is no shell's business. */
export function accessLines(cluster: Item, forwards: readonly Item[]): HTMLElement {
  const file = shellWord(`${fileName(String(cluster.name))}.kubeconfig`);
  const cs = 'CLOUDSTACK_CONFIG=.cks/cloudstack.ini cs';
  const id = shellWord(String(cluster.id));
  return h(
    'div',
    { key: 'access' },
    h('h2', {}, 'Access'),
    copyBox('Nodes, with the downloaded kubeconfig', `kubectl --kubeconfig ${file} get nodes -o wide`),
    copyBox('This cluster', `${cs} listKubernetesClusters id=${id}`),
    copyBox('Its operations', `${cs} listKubernetesClusterOperations kubernetesclusterid=${id}`),
    kubectlLines(cluster),
    dashboardLines(`kubectl --kubeconfig ${file}`),
    sshLines(cluster, forwards),
  );
}

/** Where kubectl of the cluster's own version comes from. */
function kubectlLines(cluster: Item): Child {
  const nodes = (cluster.virtualmachines ?? []) as Item[];
  const version = nodes.map((each) => /\d+\.\d+\.\d+/.exec(String(each.kubernetesnodeversion))?.[0]).find(Boolean);
  return h(
    'details',
    { key: 'kubectl' },
    h('summary', {}, 'Get kubectl'),
    version !== undefined &&
      copyBox(
        `For Linux on amd64, version ${version}`,
        `curl -fLO https://dl.k8s.io/release/v${version}/bin/linux/amd64/kubectl && chmod +x kubectl`,
      ),
    h('p', {}, h('a', { href: TOOLS, rel: 'noreferrer' }, 'kubectl for other systems')),
  );
}

/** Two dashboards are about: which one a cluster has depends on the medium of its version. */
function dashboardLines(kubectl: string): Child {
  const token = (namespace: string, secret: string) =>
    `${kubectl} -n ${namespace} get secret ${secret} -o jsonpath='{.data.token}' | base64 -d`;
  return h(
    'details',
    { key: 'dashboard' },
    h('summary', {}, 'Open the dashboard'),
    h('p', {}, 'A cluster has the dashboard that is on the medium of its version, or none.'),
    h('h3', {}, 'Kubernetes Dashboard'),
    copyBox('A way in, as long as it runs', `${kubectl} proxy`),
    h('p', {}, 'Then open ', h('a', { href: PROXY, rel: 'noreferrer' }, PROXY), ' and sign in with the token:'),
    copyBox('The token', token('kubernetes-dashboard', 'kubernetes-dashboard-token')),
    h('h3', {}, 'Headlamp'),
    copyBox('A way in to Headlamp, as long as it runs', `${kubectl} -n kube-system port-forward service/headlamp 4466:80`),
    h('p', {}, 'Then open ', h('a', { href: 'http://localhost:4466/', rel: 'noreferrer' }, 'http://localhost:4466/'), ' and sign in with the token:'),
    copyBox('The token of Headlamp', token('kube-system', 'headlamp-admin')),
  ); // prettier-ignore
}

/** How to log in to each node: through the forward to its port 22, or where there is none at its own address. */
function sshLines(cluster: Item, forwards: readonly Item[]): Child {
  const nodes = ((cluster.virtualmachines ?? []) as Item[]).filter(({ ipaddress }) => ipaddress !== undefined);
  const line = (node: Item): string => {
    const rule = forwards.find((each) => each.virtualmachineid === node.id && String(each.privateport) === '22');
    return rule
      ? `ssh -p ${shellWord(String(rule.publicport))} cloud@${shellWord(String(rule.ipaddress))}`
      : `ssh cloud@${shellWord(String(node.ipaddress))}`;
  };
  return (
    nodes.length > 0 &&
    h('details', { key: 'ssh' }, h('summary', {}, 'Log in to a node'), nodes.map((each) => copyBox(String(each.name), line(each))))
  ); // prettier-ignore
}
