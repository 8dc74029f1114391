import { call, type Item } from '../api.js';
import { h } from '../dom.js';
import { commandForm } from '../parts/command-form.js';
import { confirm } from '../parts/confirm.js';
import { listing } from '../parts/listing.js';
import type { ShowView } from '../router.js';

/** UTF-8 text as Base64. */
const base64 = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));

/** CNI configurations: what is run on a cluster instead of its own network's manifests. */
export const cniView: ShowView = (view) => {
  const remove = (each: Item) => () =>
    confirm(`Delete CNI configuration ${String(each.name)}?`, 'Clusters that were made with it keep their network.', 'Delete', view.signal, async () => {
      await call('deleteCniConfiguration', { id: String(each.id) });
      shown.now();
    }); // prettier-ignore
  view.main.append(
    h('div', { class: 'head' }, h('h1', {}, 'CNI configurations')),
    commandForm(
      {
        command: 'registerCniConfiguration', heading: 'Register a configuration', verb: 'Register', done: () => shown.now(),
        fields: ['name', 'cniconfig', 'params'],
        change: (sent) => ({ ...sent, cniconfig: base64((sent.cniconfig ?? '').replaceAll('\r\n', '\n')) }),
      },
      view.signal,
    ),
  ); // prettier-ignore
  const shown = listing(view, view.main, {
    caption: 'CNI configurations',
    command: 'listCniConfiguration',
    key: 'cniconfig',
    parameters: { listall: 'true' },
    everyMs: 10_000,
    empty: 'There is no CNI configuration yet.',
    columns: [
      { title: 'Name', cell: (each) => String(each.name) },
      { title: 'Variables', cell: (each) => String(each.params ?? '—') },
      { title: 'Account', cell: (each) => String(each.account ?? '') },
      { title: 'Actions', cell: (each) => h('button', { type: 'button', class: 'small', 'aria-label': `Delete ${String(each.name)}`, onclick: remove(each) }, 'Delete') },
    ],
  }); // prettier-ignore
};
