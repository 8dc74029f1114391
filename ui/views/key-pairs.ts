import { call, type Item } from '../api.js';
import { h } from '../dom.js';
import { copyBox } from '../parts/copy.js';
import { openDialog } from '../parts/dialog.js';
import { download } from '../parts/download.js';
import { fieldText } from '../parts/form.js';
import { listing } from '../parts/listing.js';
import { attempt, notice } from '../parts/notice.js';
import type { ShowView } from '../router.js';
import { fileName, shellWord } from '../words.js';

/** Shows a new private key, which is kept nowhere. */
function showPrivateKey(pair: Item, signal: AbortSignal): void {
  const file = `${fileName(String(pair.name))}.pem`;
  openDialog('Keep this private key', signal, (close) => [
    notice(
      'warn',
      'It is shown this once and kept nowhere. Without it nobody can log in to nodes made with this key pair.',
    ),
    h('pre', { tabindex: '0', class: 'key' }, String(pair.privatekey)),
    copyBox('After saving it', `chmod 600 ${shellWord(file)}`),
    h(
      'div',
      { class: 'buttons' },
      h(
        'button',
        { type: 'button', class: 'main', onclick: () => download(file, String(pair.privatekey)) },
        'Save as a file',
      ),
      h('button', { type: 'button', onclick: close }, 'I have it'),
    ),
  ]);
}

function askDelete(pair: Item, signal: AbortSignal, gone: () => void): void {
  const trouble = h('div');
  openDialog(`Delete key pair ${String(pair.name)}?`, signal, (close) => {
    const remove = (event: MouseEvent) =>
      void attempt(event.currentTarget as HTMLButtonElement, trouble, async () => {
        await call('deleteSSHKeyPair', {
          name: String(pair.name),
          account: pair.account as string,
          domainid: pair.domainid as string,
        });
        close();
        gone();
      });
    return [
      h('p', {}, 'Nodes that have its public key keep it.'),
      trouble,
      h(
        'div',
        { class: 'buttons' },
        h('button', { type: 'button', class: 'danger', onclick: remove }, 'Delete'),
        h('button', { type: 'button', onclick: close }, 'Keep'),
      ),
    ];
  });
}

export const keyPairsView: ShowView = (view) => {
  const trouble = h('div');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const publickey = fieldText(form, 'publickey').trim();
    void attempt(form.querySelector('button'), trouble, async () => {
      const name = fieldText(form, 'name');
      const { keypair } = await call(publickey ? 'registerSSHKeyPair' : 'createSSHKeyPair', {
        name,
        publickey: publickey || undefined,
      });
      form.reset();
      shown.now();
      if (!publickey) showPrivateKey(keypair as Item, view.signal);
    });
  };
  view.main.append(
    h('div', { class: 'head' }, h('h1', {}, 'SSH key pairs')),
    h(
      'form',
      { class: 'card', onsubmit: submit },
      h('h2', {}, 'New key pair'),
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'key-name' }, 'Name'),
        h('input', { id: 'key-name', name: 'name', required: true, maxlength: 191 }),
      ),
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'key-public' }, 'Public key of your own, to register it; empty: a new pair is made'),
        h('textarea', {
          id: 'key-public',
          name: 'publickey',
          rows: 2,
          placeholder: 'ssh-ed25519 AAAA…',
          spellcheck: 'false',
        }),
      ),
      trouble,
      h('button', { class: 'main' }, 'Add'),
    ),
  );
  const shown = listing(view, view.main, {
    caption: 'SSH key pairs',
    command: 'listSSHKeyPairs',
    key: 'sshkeypair',
    parameters: { listall: 'true' },
    everyMs: 10_000,
    empty: 'There is no key pair yet.',
    columns: [
      { title: 'Name', cell: (each) => String(each.name) },
      { title: 'Fingerprint', cell: (each) => h('code', {}, String(each.fingerprint)) },
      { title: 'Account', cell: (each) => String(each.account ?? '') },
      {
        title: 'Actions',
        cell: (each) =>
          h(
            'button',
            { type: 'button', class: 'small', onclick: () => askDelete(each, view.signal, () => shown.now()) },
            'Delete',
          ),
      },
    ],
  });
};
