import { h } from '../dom.js';
import { linkTo, type Route } from '../router.js';

export const PAGE_SIZE = 20;

export const pageOf = ({ query }: Route): number => Math.max(1, Math.floor(Number(query.get('page')) || 1));

export const paging = (route: Route): { page: string; pagesize: string } => ({
  page: String(pageOf(route)),
  pagesize: String(PAGE_SIZE),
});

/** Links to the pages before and after; nothing when one page holds all. */
export function pager(route: Route, count: number): HTMLElement | undefined {
  const page = pageOf(route);
  const last = Math.max(1, Math.ceil(count / PAGE_SIZE));
  if (last === 1 && page === 1) return undefined;
  const link = (to: number, text: string) =>
    to >= 1 && to <= last
      ? h(
          'a',
          { class: 'button', href: linkTo(route.path, { ...Object.fromEntries(route.query), page: String(to) }) },
          text,
        )
      : h('span', { class: 'button off', 'aria-disabled': 'true' }, text);
  return h(
    'nav',
    { class: 'pager', 'aria-label': 'Pages' },
    link(page - 1, '‹ Previous'),
    h('span', {}, `Page ${page} of ${last} · ${count} in all`),
    link(page + 1, 'Next ›'),
  );
}
