import { nodeName, nodePrefix } from '../../workflows/model/names.js';
import { nodeLabel, workflowIdOf } from '../../workflows/model/operation.js';

const ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

describe('names of nodes', () => {
  const cases: [string, string][] = [
    ['demo', 'demo'],
    ['Demo', 'demo'],
    ['web-shop-1', 'web-shop-1'],
    ['a', 'a'],
    ['1st', 'k8s-1st'],
    ['web.shop', 'k8s-webshop'],
    ['my cluster', 'k8s-mycluster'],
    ['ends-', 'k8s-ends'],
    ['-', 'k8s'],
    ['東京', `k8s-${ID}`],
    ['', `k8s-${ID}`],
    ['a'.repeat(63), 'a'.repeat(43)],
    ['a'.repeat(64), `k8s-${'a'.repeat(39)}`],
    [`${'a'.repeat(42)}-${'b'.repeat(10)}`, 'a'.repeat(42)],
  ];
  test.each(cases)('of the cluster "%s" begin with %s', (name, prefix) => {
    expect(nodePrefix(name, ID)).toBe(prefix);
  });

  test.each(cases)('of the cluster "%s" are host labels that fit', (name) => {
    for (const role of ['control', 'worker'] as const) {
      const label = nodeName(nodePrefix(name, ID), role, '0123456789a');
      expect(label).toMatch(/^[a-z][a-z0-9-]*[a-z0-9]$/);
      expect(label.length).toBeLessThanOrEqual(63);
    }
  });

  test('tell the role', () => {
    expect(nodeName('demo', 'control', 'abc')).toBe('demo-control-abc');
    expect(nodeName('demo', 'worker', 'abc')).toBe('demo-node-abc');
    expect(nodeLabel({ role: 'worker', index: 3 })).toBe('worker-3');
  });

  test('a run is named by its operation: a promise that histories keep', () => {
    expect(workflowIdOf(ID)).toBe(`op-${ID}`);
  });
});
