import { call, type Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { openDialog } from '../parts/dialog.js';
import { fieldText, formOf } from '../parts/form.js';
import { listing } from '../parts/listing.js';
import { attempt } from '../parts/notice.js';
import { go, linkTo, type ShowView } from '../router.js';
import { dotted } from '../words.js';

function input(setting: Item): HTMLElement {
  const props = { id: 'setting-value', name: 'value' };
  if (setting.type !== 'Boolean')
    return h('input', {
      ...props,
      value: setting.value as string,
      inputmode: setting.type === 'Number' ? 'numeric' : undefined,
    });
  return h('select', props, ['true', 'false'].map((each) => h('option', { selected: each === setting.value }, each))); // prettier-ignore
}

function edit(setting: Item, signal: AbortSignal, changed: () => void): void {
  const name = String(setting.name);
  const trouble = h('div');
  openDialog(name, signal, (close) => {
    const save = (button: HTMLButtonElement | null, value: string | undefined) =>
      attempt(button, trouble, async () => {
        await call('updateConfiguration', { name, value });
        close();
        changed();
      });
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      const form = event.currentTarget as HTMLFormElement;
      void save(form.querySelector('button'), fieldText(form, 'value'));
    };
    return h(
      'form',
      { onsubmit: submit },
      h('p', {}, String(setting.description)),
      h('div', { class: 'field' }, h('label', { for: 'setting-value' }, 'Value'), input(setting)),
      h(
        'p',
        { class: 'hint' },
        `Default: ${String(setting.defaultvalue)}. `,
        setting.isdynamic === false
          ? 'In force after a restart of the API server.'
          : 'Operations that already run keep the old value.',
      ),
      trouble,
      h(
        'div',
        { class: 'buttons' },
        h('button', { class: 'main' }, 'Save'),
        h(
          'button',
          {
            type: 'button',
            onclick: (event: MouseEvent) => void save(event.currentTarget as HTMLButtonElement, undefined),
          },
          'Back to default',
        ),
        h('button', { type: 'button', onclick: close }, 'Leave as it is'),
      ),
    );
  });
}

export const settingsView: ShowView = (view) => {
  const keyword = view.route.query.get('keyword') ?? '';
  const search = (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = fieldText(formOf(event), 'keyword');
    location.hash = linkTo(['settings'], wanted ? { keyword: wanted } : {});
  };
  const value = (each: Item): Child => [
    h('code', {}, String(each.value)),
    each.value !== each.defaultvalue && h('span', { class: 'dim' }, ` default ${String(each.defaultvalue)}`),
  ];
  view.main.append(
    h(
      'div',
      { class: 'head' },
      h('h1', {}, 'Settings'),
      h(
        'form',
        { class: 'search', role: 'search', onsubmit: search },
        h('input', {
          name: 'keyword',
          type: 'search',
          value: keyword,
          'aria-label': 'Part of a name',
          placeholder: 'Part of a name',
        }),
        h('button', {}, 'Search'),
      ),
    ),
  );
  const shown = listing(view, view.main, {
    caption: 'Settings',
    command: 'listConfigurations',
    key: 'configuration',
    parameters: { keyword: keyword || undefined },
    everyMs: 15_000,
    keyOf: (each) => String(each.name),
    empty: [
      'No setting has such a name. ',
      h('button', { type: 'button', class: 'small', onclick: () => go('settings') }, 'Show all'),
    ],
    columns: [
      {
        title: 'Name',
        cell: (each) =>
          h(
            'code',
            {},
            dotted(String(each.name)).map((part, i) => [i > 0 && h('wbr'), part]),
          ),
      },
      { title: 'Value', cell: value },
      { title: 'Meaning', cell: (each) => String(each.description) },
      {
        title: 'Actions',
        cell: (each) =>
          h(
            'button',
            {
              type: 'button',
              class: 'small',
              'aria-label': `Edit ${String(each.name)}`,
              onclick: () => edit(each, view.signal, () => shown.now()),
            },
            'Edit',
          ),
      },
    ],
  });
};
