import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import type { Knex } from 'knex';
import { apiMetrics } from '../../metrics/api.js';
import { workerMetrics } from '../../metrics/worker.js';
import { root } from '../structure/sources.js';

const read = (name: string) => readFileSync(path.join(root, 'docs/operate', name), 'utf8');
// Never asked: only the names are read.
const registries = [workerMetrics(undefined as unknown as Knex, () => 0).registry, apiMetrics().registry];
const known = new Map(registries.flatMap((each) => each.getMetricsAsArray()).map((metric) => [metric.name, metric]));
const baseOf = (name: string) => (known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''));
const named = (text: string) => [...new Set(text.match(/\b(?:cks|process|nodejs)_[a-z_]+/g) ?? [])];

interface Panel {
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}
const board = JSON.parse(read('grafana-dashboard.json')) as { panels: Panel[] };
const rules = load(read('alerts.yml')) as {
  groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
};
const alerts = rules.groups.flatMap((group) => group.rules);
const expressions = [
  ...board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...alerts.map(({ expr }) => expr),
];

test('every metric of the dashboard and of the alerts is one that a process tells', () => {
  const used = named(expressions.join('\n'));
  expect(used.length).toBeGreaterThan(12);
  expect(used.filter((name) => !known.has(baseOf(name)))).toEqual([]);
});

test('every label that they look at is one of its metric', () => {
  const wrong = expressions.flatMap((expr) =>
    [...expr.matchAll(/\b(cks_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = '', inside = '']) => {
      const labels = (known.get(baseOf(name)) as unknown as { labelNames: string[] }).labelNames;
      return [...inside.matchAll(/(\w+)=~?"/g)]
        .map(([, label = '']) => label)
        .filter((label) => !labels.includes(label))
        .map((label) => `${name}: ${label}`);
    }),
  );
  expect(wrong).toEqual([]);
});

test('panels do not lie on each other, and each that shows something asks for something', () => {
  const taken = new Set<string>();
  for (const { gridPos, title, type, targets = [] } of board.panels) {
    expect([title, type === 'row' || targets.length > 0]).toEqual([title, true]);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([title, taken.has(`${x} ${y}`), x < 24]).toEqual([title, false, true]);
        taken.add(`${x} ${y}`);
      }
  }
});

test('the page lists every metric of ours with its labels, and no other', () => {
  const rows = [...read('metrics.md').matchAll(/^\| `(cks_\w+)` +\| ([^|]*?) +\|/gm)];
  const listed = Object.fromEntries(rows.map(([, name = '', labels = '']) => [name, labels === '–' ? [] : labels.split(', ')])); // prettier-ignore
  const own = [...known].filter(([name]) => name.startsWith('cks_'));
  expect(listed).toEqual(
    Object.fromEntries(own.map(([name, metric]) => [name, (metric as unknown as { labelNames: string[] }).labelNames])),
  );
});

test('every alert says in words what is wrong', () => {
  expect(alerts.length).toBeGreaterThan(5);
  for (const { alert, annotations } of alerts) {
    expect(alert).toMatch(/^Cks[A-Z]\w+$/);
    expect(annotations.summary.length).toBeGreaterThan(20);
  }
});
