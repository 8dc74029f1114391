import { layOut, type Entry } from '../../workflows/engine/step.js';
import { DEFAULT_SETTINGS, type Settings } from '../../workflows/model/settings.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';
import { CASES } from '../fakes/cluster-facts.js';

/** Settings that bound an operation or its steps, each with an operation that changes with it; that the runner keeps such bounds is tested beside it. */
export const IN_LISTS: Partial<Record<keyof Settings, string>> = {
  'cloud.kubernetes.cluster.start.timeout': 'create',
  'cloud.kubernetes.cluster.scale.timeout': 'scale up',
  'cloud.kubernetes.cluster.upgrade.timeout': 'upgrade',
  'cloud.kubernetes.cluster.upgrade.retries': 'upgrade',
  'cloud.kubernetes.cluster.add.node.timeout': 'add nodes',
  'cloud.kubernetes.cluster.remove.node.timeout': 'remove nodes',
  'cks.operation.width': 'create',
  'cks.host.install.width': 'create',
  'cks.machine.timeout': 'create',
  'cks.machine.volume.timeout': 'create',
  'cks.machine.stop.timeout': 'stop',
  'cks.network.timeout': 'create',
  'cks.node.boot.timeout': 'start',
  'cks.node.install.timeout': 'scale up',
  'cks.node.kubeadm.timeout': 'create',
  'cks.node.ready.timeout': 'start',
  'cks.node.drain.timeout': 'scale down',
  'cks.node.stage.timeout': 'upgrade',
  'cks.node.upgrade.timeout': 'upgrade',
  'cks.drain.width': 'scale down',
  'cks.upgrade.width': 'upgrade',
  'cks.upgrade.surge': 'upgrade',
  'cks.workload.timeout': 'upgrade',
  'cks.etcd.timeout': 'upgrade',
  'cks.component.timeout': 'create with everything',
  'cks.api.timeout': 'create',
};

/** What a list does within which bounds: the operation's limit, then per line its limit, tries, slot and width. */
function boundsOf(name: string, settings: Settings): string[] {
  const { kind, facts } = CASES[name]!;
  const list = LISTS[kind];
  const rows = [`the operation: ${settings[list.limit]} s`];
  const collect = (entries: Entry<Act>[]): void =>
    entries.forEach((entry) => {
      if ('step' in entry) {
        const { title, limitSeconds, tries = 1, slot } = entry.step;
        rows.push(`${title}: ${limitSeconds} s, ${tries} tries, ${slot?.width ?? 'any'} at a time`);
      } else {
        rows.push(`${entry.group.title}: ${entry.group.width ?? 'any'} at a time`);
        entry.lanes.forEach(collect);
      }
    });
  collect(layOut(list.steps(facts, settings)).entries);
  return rows;
}

test.each(Object.entries(IN_LISTS))('%s changes the bounds of: %s', (setting, name) => {
  const before = boundsOf(name, DEFAULT_SETTINGS);
  const more = Number(DEFAULT_SETTINGS[setting as keyof Settings]) + 1;
  const after = boundsOf(name, { ...DEFAULT_SETTINGS, [setting]: more });
  expect(after.filter((row) => !before.includes(row))).not.toEqual([]);
});

test('nothing changes without a change', () => {
  for (const name of Object.keys(CASES))
    expect(boundsOf(name, { ...DEFAULT_SETTINGS })).toEqual(boundsOf(name, DEFAULT_SETTINGS));
});
