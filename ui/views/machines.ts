import { start, type Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { badge, simulatedBadge } from '../parts/badge.js';
import { commandForm } from '../parts/command-form.js';
import { confirm } from '../parts/confirm.js';
import { listing } from '../parts/listing.js';
import { attempt } from '../parts/notice.js';
import type { ShowView } from '../router.js';
import { memoryText } from '../words.js';

/** Machines of one's own, which can be made workers of a cluster; nodes that the service made are shown too. */
export const machinesView: ShowView = (view) => {
  const trouble = h('div');
  const act = (command: string, machine: Item) => (event: MouseEvent) =>
    void attempt(event.currentTarget as HTMLButtonElement, trouble, async () => {
      await start(command, { id: String(machine.id) });
      shown.now();
    });
  const destroy = (machine: Item) => () =>
    confirm(`Destroy machine ${String(machine.name)}?`, 'Its root disk and everything on it are gone for good.', 'Destroy for good', view.signal, async () => {
      await start('destroyVirtualMachine', { id: String(machine.id) });
      shown.now();
    }); // prettier-ignore
  const button = (machine: Item, verb: string, onclick: (event: MouseEvent) => unknown, kind = 'small') =>
    h(
      'button',
      { key: verb, type: 'button', class: kind, 'aria-label': `${verb} ${String(machine.name)}`, onclick },
      verb,
    );
  const actions = (machine: Item): Child => {
    if (machine.vmtype === 'cksnode') return h('span', { class: 'dim' }, 'node of a cluster');
    if (machine.jobid !== undefined) return h('span', { class: 'dim' }, 'is being changed …');
    return h(
      'div',
      { class: 'buttons' },
      machine.state === 'Stopped' && button(machine, 'Start', act('startVirtualMachine', machine)),
      machine.state === 'Running' && button(machine, 'Stop', act('stopVirtualMachine', machine)),
      button(machine, 'Destroy', destroy(machine), 'small danger'),
    );
  };
  view.main.append(
    h('div', { class: 'head' }, h('h1', {}, 'Machines')),
    commandForm(
      {
        command: 'deployVirtualMachine', heading: 'Deploy a machine', verb: 'Deploy', done: () => shown.now(),
        fields: ['name', 'zoneid', 'serviceofferingid', 'templateid', 'networkids', 'keypair', 'rootdisksize'],
      },
      view.signal,
    ),
    trouble,
  ); // prettier-ignore
  const shown = listing(view, view.main, {
    caption: 'Machines',
    command: 'listVirtualMachines',
    key: 'virtualmachine',
    parameters: { listall: 'true' },
    everyMs: 5000,
    empty: 'There is no machine yet.',
    columns: [
      { title: 'Name', cell: (each) => String(each.name) },
      { title: 'State', cell: (each) => badge(each.state) },
      { title: 'Address', cell: (each) => String(each.ipaddress ?? '—') },
      { title: 'Size', cell: (each) => `${String(each.cpunumber)} CPU, ${memoryText(each.memory)}` },
      { title: 'Template', cell: (each) => String(each.templatename ?? '—') },
      { title: 'Zone', cell: (each) => [String(each.zonename), ' ', each.hypervisor === 'Simulator' && simulatedBadge()] },
      { title: 'Actions', cell: actions },
    ],
  }); // prettier-ignore
};
