import { byVersion } from '../../scripts/demo.js';
import { sign } from '../../scripts/client.js';
import { endedSince, headline, liveBlock, type OperationView, type StepView } from '../../scripts/progress.js';

test('requests are signed as CloudStack signs them', () => {
  const first = {
    command: 'listKubernetesClusters',
    response: 'json',
    apiKey: 'AK',
    keyword: 'my cluster',
    listall: 'true',
  };
  expect(sign(first, 'SK')).toBe('KcUgJ0b8TAR5P5MuC5EfH11X/tM=');
  const second = {
    command: 'createKubernetesCluster',
    response: 'json',
    apiKey: 'AK',
    name: 'a*b~c d',
    'nodeofferings[0].node': 'control',
    'nodeofferings[0].offering': '11111111-2222-3333-4444-555555555555',
    signatureversion: '3',
    expires: '2030-01-02T03:04:05Z',
  };
  expect(sign(second, 'SK')).toBe('FtSFhTiZyZhfefp59bP9hlkypxQ=');
});

test('1.10 is newer than 1.9', () => {
  expect(['1.10.0', '1.9.3', '1.34.2', '1.34.10'].sort(byVersion)).toEqual(['1.9.3', '1.10.0', '1.34.2', '1.34.10']);
});

describe('progress', () => {
  const step = (title: string, state: string, steps: StepView[] = []): StepView => ({
    title,
    state,
    started: state === 'waiting' ? null : '2026-01-31T12:00:00+0000',
    ended: state === 'done' ? '2026-01-31T12:01:40+0000' : null,
    attempts: 1,
    steps,
  });
  const operation: OperationView = {
    id: 'o',
    operation: 'create',
    state: 'running',
    percent: 50,
    secondsleft: 42,
    steps: [
      step('network', 'done', [step('gateway', 'done'), step('address', 'done')]),
      step('control-1', 'running', [step('boot', 'done'), step('install', 'running')]),
      ...Array.from({ length: 30 }, (_, index) => step(`later ${index}`, 'waiting')),
    ],
  };

  test('the headline says how far and how long', () => {
    expect(headline(operation)).toBe(`${'█'.repeat(12)}${'░'.repeat(12)}  50 %  about 42 s left`);
    expect(headline({ ...operation, state: 'failed' })).toContain('failed');
  });

  test('a block never exceeds the rows, and what is going on stays in it', () => {
    const block = liveBlock(operation, 12, Date.parse('2026-01-31T12:02:00Z'));
    expect(block.length).toBeLessThanOrEqual(12);
    expect(block.join('\n')).toMatch(/▸ control-1 {2}2 min 0 s\n {2}▸ install/);
    expect(block.join('\n')).toMatch(/more steps wait/);
  });

  test('elsewhere each ended step is said once', () => {
    const seen = new Set<string>();
    expect(endedSince(operation, seen)).toEqual([
      ' 50 %  ✓ gateway  1 min 40 s',
      ' 50 %  ✓ address  1 min 40 s',
      ' 50 %  ✓ boot  1 min 40 s',
    ]);
    expect(endedSince(operation, seen)).toEqual([]);
  });
});
