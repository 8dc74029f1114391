import { wordsOf, type Item } from '../api.js';
import { h } from '../dom.js';
import { badge, simulatedBadge } from '../parts/badge.js';
import { commandForm } from '../parts/command-form.js';
import { listing } from '../parts/listing.js';
import type { ShowView } from '../router.js';
import { dateText, memoryText } from '../words.js';
import { forgetZones } from '../zones.js';

const MB = 1024 * 1024;

/** The answer to an `addHost` without a host key tells the key that the host shows; a person compares it before it is used. */
function compareKey(error: unknown, form: HTMLFormElement): HTMLElement | undefined {
  const key = /sshhostkey=(\S+ \S+)/.exec(wordsOf(error))?.[1];
  const field = form.elements.namedItem('sshhostkey');
  if (key === undefined || !(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement))
    return undefined;
  const use = () => {
    field.value = key;
    form.requestSubmit();
  };
  return h(
    'div',
    { class: 'notice warn', role: 'alert' },
    h('p', {}, wordsOf(error).split('; if it is the same')[0] ?? ''),
    h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: use }, 'It is the same: add the host')),
  );
}

/** Zones and their hosts, with what is in use of each. */
export const hostsView: ShowView = (view) => {
  const simulated = (each: Item) => each.hypervisor === 'Simulator' && simulatedBadge();
  view.main.append(h('div', { class: 'head' }, h('h1', {}, 'Zones and hosts')), h('h2', {}, 'Zones'));
  listing(view, view.main, {
    caption: 'Zones',
    command: 'listZones',
    key: 'zone',
    everyMs: 15_000,
    empty: 'There is no zone yet.',
    columns: [
      { title: 'Name', cell: (each) => [String(each.name), ' ', simulated(each)] },
      { title: 'State', cell: (each) => badge(each.allocationstate) },
      { title: 'Hypervisor', cell: (each) => String(each.hypervisor) },
      { title: 'Guest range', cell: (each) => String(each.guestcidraddress ?? '—') },
      { title: 'Gateway', cell: (each) => String(each.gatewayurl ?? '—') },
    ],
  });
  view.main.append(
    h('h2', {}, 'Hosts'),
    commandForm(
      {
        command: 'addHost', heading: 'Add a host', verb: 'Add', onRefusal: compareKey,
        fields: ['zoneid', 'url', 'name', 'hosttags', 'pool', 'sshprivatekey', 'sshhostkey', 'fabricurl', 'cacert', 'clientcert', 'clientkey'],
        done: () => (forgetZones(), shown.now()),
      },
      view.signal,
    ),
  ); // prettier-ignore
  const shown = listing(view, view.main, {
    caption: 'Hosts',
    command: 'listHosts',
    key: 'host',
    everyMs: 5000,
    empty: 'There is no host yet.',
    columns: [
      { title: 'Name', cell: (each) => [String(each.name), ' ', simulated(each)] },
      { title: 'State', cell: (each) => [badge(each.state), ' ', each.resourcestate !== 'Enabled' && badge(each.resourcestate)] },
      { title: 'Zone', cell: (each) => String(each.zonename) },
      { title: 'CPU in use', cell: (each) => `${String(each.cpuallocated)} of ${String(each.cpunumber)}` },
      { title: 'Memory in use', cell: (each) => `${memoryText(Math.round(Number(each.memoryallocated) / MB))} of ${memoryText(Math.round(Number(each.memorytotal) / MB))}` },
      { title: 'Tags', cell: (each) => String(each.hosttags ?? '—') },
      { title: 'URL', cell: (each) => h('code', {}, String(each.url ?? '')) },
      { title: 'Seen', cell: (each) => dateText(each.lastpinged) || '—' },
    ],
  }); // prettier-ignore
};
