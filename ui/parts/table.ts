import { h, type Child } from '../dom.js';
import type { Item } from '../api.js';

export interface Column {
  title: string;
  cell: (item: Item) => Child;
  /** Numbers stand at the right. */
  number?: boolean;
}

/** A table that turns into cards where there is no room for its columns. */
export const table = (caption: string, columns: readonly Column[], items: readonly Item[], keyOf: (item: Item) => string): HTMLElement =>
  h(
    'table',
    {},
    h('caption', { class: 'unseen' }, caption),
    h('thead', {}, h('tr', {}, columns.map(({ title, number }) => h('th', { scope: 'col', class: number && 'number' }, title)))),
    h(
      'tbody',
      {},
      items.map((item) =>
        h(
          'tr',
          { key: keyOf(item) },
          columns.map(({ title, cell, number }, i) => h(i === 0 ? 'th' : 'td', { scope: i === 0 && 'row', class: number && 'number', 'data-title': title }, h('div', {}, cell(item)))),
        ),
      ),
    ),
  ); // prettier-ignore
