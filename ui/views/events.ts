import { h } from '../dom.js';
import { badge } from '../parts/badge.js';
import { listing } from '../parts/listing.js';
import { linkTo, type ShowView } from '../router.js';
import { dateText } from '../words.js';

export const eventsView: ShowView = (view) => {
  view.main.append(h('div', { class: 'head' }, h('h1', {}, 'Events')));
  listing(view, view.main, {
    caption: 'Events, newest first',
    command: 'listEvents',
    key: 'event',
    parameters: { listall: 'true' },
    everyMs: 5000,
    empty: 'Nothing has happened yet.',
    columns: [
      { title: 'When', cell: (each) => dateText(each.created) },
      { title: 'Level', cell: (each) => badge(each.level) },
      {
        title: 'What',
        cell: (each) =>
          each.resourcetype === 'KubernetesCluster' && each.resourceid !== undefined
            ? h('a', { href: linkTo(['clusters', String(each.resourceid)]) }, String(each.description))
            : String(each.description),
      },
      { title: 'State', cell: (each) => String(each.state) },
      { title: 'Type', cell: (each) => h('code', {}, String(each.type)) },
      { title: 'By', cell: (each) => String(each.username ?? '') },
    ],
  });
};
