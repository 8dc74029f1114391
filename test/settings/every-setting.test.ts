import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';
import { SETTINGS } from '../../workflows/model/settings.js';

const tests = readdirSync(join(projectRoot(), 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => readFileSync(join(projectRoot(), 'test', path), 'utf8'));

/** Titles of tests and keys of tables of tests: a setting is tested where one of them names it. */
const named = new Set(
  tests.flatMap((text) => [
    ...[...text.matchAll(/\b(?:test|it|scenario)(?:\.each[^\n]*)?\(\s*(['"`])(.+?)\1,/g)].flatMap(([, , title = '']) =>
      title.split(/[^\w.]+/),
    ),
    ...[...text.matchAll(/^ {2}'([a-z.]+)': '[a-z ]+',$/gm)].map(([, key = '']) => key),
    ...[...text.matchAll(/^ {2}\['[a-z]+', '([a-z.]+)', '[a-z_]+'\],$/gm)].map(([, key = '']) => key),
  ]),
);

test.each(Object.keys(SETTINGS))('%s has a test that shows what a change of it changes', (name) => {
  expect(named.has(name)).toBe(true);
});

test('a setting that no test names would be missed', () => {
  expect(named.has('cks.no.such.setting')).toBe(false);
});
