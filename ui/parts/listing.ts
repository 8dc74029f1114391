import { list, type Item, type Sent } from '../api.js';
import { h, show, type Child } from '../dom.js';
import { refresh, type Refresh } from '../refresh.js';
import type { View } from '../router.js';
import { pager, paging } from './pager.js';
import { table, type Column } from './table.js';

export interface Listing {
  caption: string;
  command: string;
  key: string;
  parameters?: Sent;
  columns: readonly Column[];
  keyOf?: (item: Item) => string;
  empty: Child;
  everyMs: number;
}

/** A list that keeps itself up to date, paged by the address. */
export function listing({ route, signal }: View, into: HTMLElement, wanted: Listing): Refresh {
  const trouble = h('div');
  const place = h('div', {}, h('p', { class: 'dim' }, 'Loading …'));
  into.append(trouble, place);
  const { caption, command, key, columns, empty, keyOf = (item: Item) => String(item.id) } = wanted;
  return refresh(wanted.everyMs, signal, trouble, async () => {
    const { count, items } = await list(command, key, { ...wanted.parameters, ...paging(route) }, signal);
    if (signal.aborted) return;
    show(
      place,
      items.length === 0 ? h('p', { class: 'empty' }, empty) : table(caption, columns, items, keyOf),
      pager(route, count),
    );
  });
}
