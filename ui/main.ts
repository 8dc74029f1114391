import { onSignedOut, signOut } from './api.js';
import { h, show } from './dom.js';
import { linkTo, readRoute, type ShowView } from './router.js';
import { isAdmin, readSession, SESSION_STORE } from './session.js';
import { clusterView } from './views/cluster.js';
import { clustersView } from './views/clusters.js';
import { cniView } from './views/cni.js';
import { createView } from './views/create.js';
import { eventsView } from './views/events.js';
import { hostsView } from './views/hosts.js';
import { keyPairsView } from './views/key-pairs.js';
import { machinesView } from './views/machines.js';
import { settingsView } from './views/settings.js';
import { signInView } from './views/sign-in.js';
import { versionsView } from './views/versions.js';
import { forgetZones } from './zones.js';

const VIEWS: Record<string, ShowView> = {
  clusters: clustersView,
  create: createView,
  machines: machinesView,
  events: eventsView,
  keys: keyPairsView,
  cni: cniView,
  hosts: hostsView,
  versions: versionsView,
  settings: settingsView,
};
const MENU: readonly (readonly [path: string, text: string])[] = [['clusters', 'Clusters'], ['machines', 'Machines'], ['events', 'Events'], ['keys', 'Key pairs'], ['cni', 'CNI'], ['hosts', 'Zones and hosts'], ['versions', 'Versions'], ['settings', 'Settings']]; // prettier-ignore
const FOR_ADMINS = ['hosts', 'versions', 'settings'];

const header = h('header');
let main = h('main', { id: 'main', tabindex: '-1' });
let left = new AbortController();

function drawHeader(place: string): void {
  const session = readSession();
  const links = MENU.filter(([path]) => !FOR_ADMINS.includes(path) || isAdmin()).map(([path, text]) =>
    h('li', {}, h('a', { href: linkTo([path]), 'aria-current': path === place && 'page' }, text)),
  );
  show(
    header,
    h('a', { class: 'brand', href: linkTo([]) }, 'CKS'),
    session && h('nav', { 'aria-label': 'Main' }, h('ul', {}, links)),
    session && h('div', { class: 'who' }, h('span', {}, session.username), h('button', { type: 'button', class: 'small', onclick: () => void signOut() }, 'Sign out')),
  ); // prettier-ignore
}

/** Leaves the view that is shown and shows the one that the address names. */
function draw(): void {
  left.abort();
  left = new AbortController();
  const fresh = h('main', { id: 'main', tabindex: '-1' });
  main.replaceWith(fresh);
  main = fresh;
  const route = readRoute();
  const place = route.path[0] ?? 'clusters';
  drawHeader(place);
  document.title = `${MENU.find(([path]) => path === place)?.[1] ?? 'Clusters'} · CKS`;
  if (!readSession()) return signInView(main, draw);
  const view = place === 'clusters' && route.path[1] !== undefined ? clusterView : VIEWS[place];
  (view ?? clustersView)({ main, route, signal: left.signal });
  main.focus({ preventScroll: true });
}

onSignedOut(() => {
  forgetZones();
  draw();
});
addEventListener('hashchange', draw);
// Another tab signed in or out.
addEventListener('storage', ({ key }) => key === SESSION_STORE && draw());
document.body.append(
  h(
    'a',
    { class: 'skip', href: '#main', onclick: (event: MouseEvent) => (event.preventDefault(), main.focus()) },
    'To the content',
  ),
  header,
  main,
);
draw();
