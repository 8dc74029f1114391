import { call, start, type Item } from '../api.js';
import { h } from '../dom.js';
import { badge } from '../parts/badge.js';
import { commandForm } from '../parts/command-form.js';
import { confirm } from '../parts/confirm.js';
import { listing } from '../parts/listing.js';
import { attempt } from '../parts/notice.js';
import type { ShowView } from '../router.js';

/** Kubernetes versions and templates with how far their downloads are. */
export const versionsView: ShowView = (view) => {
  const setState = (version: Item, state: string) => (event: MouseEvent) =>
    void attempt(event.currentTarget as HTMLButtonElement, trouble, async () => {
      await call('updateKubernetesSupportedVersion', { id: String(version.id), state });
      versions.now();
    });
  const removeVersion = (version: Item) => () =>
    confirm(`Delete version ${String(version.name)}?`, 'Its medium goes from all hosts. A version that a cluster uses stays.', 'Delete', view.signal, async () => {
      await start('deleteKubernetesSupportedVersion', { id: String(version.id) });
      versions.now();
    }); // prettier-ignore
  const removeTemplate = (template: Item) => () =>
    confirm(`Delete template ${String(template.name)}?`, 'It goes from all zones and hosts. One that machines or clusters use stays.', 'Delete', view.signal, async () => {
      await start('deleteTemplate', { id: String(template.id) });
      templates.now();
    }); // prettier-ignore
  const button = (verb: string, each: Item, onclick: (event: MouseEvent) => void) =>
    h('button', { type: 'button', class: 'small', 'aria-label': `${verb} ${String(each.name)}`, onclick }, verb);
  const trouble = h('div');
  view.main.append(
    h('div', { class: 'head' }, h('h1', {}, 'Versions and templates')),
    trouble,
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
      {
        title: 'Actions',
        cell: (each) => h('div', { class: 'buttons' },
          each.state === 'Enabled' ? button('Disable', each, setState(each, 'Disabled')) : button('Enable', each, setState(each, 'Enabled')),
          button('Delete', each, removeVersion(each))),
      },
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
      { title: 'Actions', cell: (each) => button('Delete', each, removeTemplate(each)) },
    ],
  }); // prettier-ignore
};
