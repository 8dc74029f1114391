import { h } from '../dom.js';
import { badge } from '../parts/badge.js';
import { commandForm } from '../parts/command-form.js';
import { listing } from '../parts/listing.js';
import type { ShowView } from '../router.js';

/** Kubernetes versions and templates with how far their downloads are. */
export const versionsView: ShowView = (view) => {
  view.main.append(
    h('div', { class: 'head' }, h('h1', {}, 'Versions and templates')),
    h('h2', {}, 'Kubernetes versions'),
    commandForm(
      {
        command: 'addKubernetesSupportedVersion', heading: 'Add a version', verb: 'Add', done: () => versions.now(),
        fields: ['semanticversion', 'url', 'mincpunumber', 'minmemory', 'name', 'zoneid', 'checksum', 'arch'],
      },
      view.signal,
    ),
  ); // prettier-ignore
  const versions = listing(view, view.main, {
    caption: 'Kubernetes versions',
    command: 'listKubernetesSupportedVersions',
    key: 'kubernetessupportedversion',
    everyMs: 3000,
    empty: 'There is no version yet.',
    columns: [
      { title: 'Name', cell: (each) => String(each.name) },
      { title: 'State', cell: (each) => badge(each.state) },
      { title: 'Medium', cell: (each) => [badge(each.isostate ?? '—'), h('span', { class: 'dim' }, ` ${String(each.isostatus ?? '')}`)] },
      { title: 'Zone', cell: (each) => String(each.zonename ?? 'all') },
      { title: 'Needs', cell: (each) => `${String(each.mincpunumber)} CPU, ${String(each.minmemory)} MB` },
    ],
  }); // prettier-ignore
  view.main.append(
    h('h2', {}, 'Templates'),
    commandForm(
      {
        command: 'registerTemplate', heading: 'Register a template', verb: 'Register', done: () => templates.now(),
        fields: ['name', 'url', 'format', 'hypervisor', 'zoneid', 'checksum', 'arch', 'forcks', 'ispublic'],
        choices: { format: ['QCOW2', 'RAW', 'TAR'].map((each) => ({ value: each, text: each })) },
      },
      view.signal,
    ),
  ); // prettier-ignore
  const templates = listing(view, view.main, {
    caption: 'Templates',
    command: 'listTemplates',
    key: 'template',
    parameters: { templatefilter: 'all', listall: 'true' },
    everyMs: 3000,
    keyOf: (each) => `${String(each.id)} ${String(each.zoneid)}`,
    empty: 'There is no template yet.',
    columns: [
      { title: 'Name', cell: (each) => String(each.name) },
      { title: 'State', cell: (each) => [each.isready === true && badge('Ready'), h('span', { class: 'dim' }, ` ${String(each.status ?? '')}`)] },
      { title: 'For nodes', cell: (each) => (each.forcks === true ? 'yes' : 'no') },
      { title: 'Format', cell: (each) => String(each.format) },
      { title: 'Zone', cell: (each) => String(each.zonename ?? 'all') },
    ],
  }); // prettier-ignore
};
