import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASES } from '../../lab/cases/index.js';
import { merge, readResults, writeResults, type CaseResult, type KeptResult, type Run } from '../../lab/results.js';
import { FIRST, NEXT, versionsOf } from '../../lab/versions.js';

const cases = ['create', 'stop', 'upgrade'].map((name) => ({ name, features: [name] }));
const run = (when: string, machine: string): Run => ({
  when,
  commit: when,
  machine,
  versions: { kubernetes: machine },
});
const passed = (name: string): CaseResult => ({ name, features: [name], result: 'passed', passed: true, seconds: 1 });

test('a run of one case leaves machine and versions of the others alone', () => {
  const first = merge(cases, [], [passed('create'), passed('stop')], () => run('monday', 'small'));
  const then = merge(cases, first, [{ ...passed('stop'), result: 'failed', passed: false, why: 'slow' }], () => run('friday', 'big')); // prettier-ignore
  expect(then).toEqual<KeptResult[]>([
    { ...passed('create'), ...run('monday', 'small') },
    { ...passed('stop'), result: 'failed', passed: false, why: 'slow', ...run('friday', 'big') },
    { name: 'upgrade', features: ['upgrade'], result: 'not run', passed: false, seconds: 0 },
  ]);
});

test('a case that is no more is not kept, and versions are those of the case', () => {
  const gone = { ...passed('weave'), ...run('monday', 'small') };
  expect(merge(cases, [gone], [], () => run('friday', 'big')).map(({ name }) => name)).toEqual(['create', 'stop', 'upgrade']); // prettier-ignore
  expect(versionsOf({})).toMatchObject({ kubernetes: FIRST.kubernetes, etcd: FIRST.etcd });
  expect(versionsOf({})).not.toHaveProperty('next');
  expect(versionsOf({ next: true })).toMatchObject({ next: NEXT.kubernetes, etcd: `${FIRST.etcd}, ${NEXT.etcd}` });
});

test('what is written is read again, and a file that is absent holds nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cks-lab-results-'));
  try {
    const file = join(folder, 'results.json');
    expect(readResults(file)).toEqual([]);
    const kept = merge(cases, [], [passed('create')], () => run('monday', 'small'));
    writeResults(file, kept);
    expect(readResults(file)).toEqual(kept);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the results that the repository keeps are those of the cases there are; each that ran says on what', () => {
  const kept = readResults('lab/results.json');
  expect(kept.map(({ name }) => name)).toEqual(CASES.map(({ name }) => name));
  for (const { name, result, ...rest } of kept) {
    const of = Object.keys(rest).filter((key) => ['when', 'commit', 'machine', 'versions'].includes(key));
    expect({ name, of: of.sort() }).toEqual({ name, of: result === 'not run' ? [] : ['commit', 'machine', 'versions', 'when'] }); // prettier-ignore
  }
});
