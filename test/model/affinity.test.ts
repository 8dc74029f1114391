import { readRoleGroups } from '../../workflows/model/affinity.js';

test('groups are read per role, in any letter case, each once', () => {
  expect(
    readRoleGroups([
      { node: 'CONTROL', affinitygroup: 'A, b,a' },
      { node: 'worker', affinitygroup: 'c' },
    ]),
  ).toEqual({ groups: { control: ['a', 'b'], worker: ['c'] } });
  expect(readRoleGroups([])).toEqual({ groups: {} });
});

test.each([
  [[{ node: 'default', affinitygroup: 'a' }], 'node must be control, worker or etcd, found "default"'],
  [[{ affinitygroup: 'a' }], 'node must be control, worker or etcd, found ""'],
  [[{ node: 'etcd' }], 'every entry needs node and affinitygroup, found node=etcd affinitygroup='],
  [[{ node: 'etcd', affinitygroup: ' ,' }], 'every entry needs'],
  [
    [
      { node: 'etcd', affinitygroup: 'a' },
      { node: 'ETCD', affinitygroup: 'b' },
    ],
    'etcd is named twice',
  ],
] as const)('%j is refused', (entries, problem) => {
  expect(readRoleGroups(entries)).toEqual({ problem: expect.stringContaining(problem) as string });
});
