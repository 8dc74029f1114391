import { place, type HostRoom, type MachineWish, type Wishes } from '../../workflows/model/placement.js';

const host = (name: string, more: Partial<HostRoom> = {}): HostRoom => ({
  id: name, name, hypervisor: 'KVM', arch: 'x86_64', enabled: true, freeCpus: 16, freeRamMb: 16384, controls: 0, ...more,
}); // prettier-ignore
const small = (role: MachineWish['role']): MachineWish => ({ role, cpus: 2, ramMb: 2048 });
const want = (roles: MachineWish['role'][], more: Partial<Wishes> = {}): Wishes => ({
  arch: 'x86_64',
  machines: roles.map(small),
  ...more,
});

describe('place', () => {
  const cases: [string, HostRoom[], Wishes, string[]][] = [
    ['nothing for no machines', [host('a')], want([]), []],
    [
      'the host with most memory left, each time',
      [host('a'), host('b')],
      want(['worker', 'worker', 'worker']),
      ['a', 'b', 'a'],
    ],
    ['the first by name where all are equal', [host('b'), host('a')], want(['worker']), ['a']],
    [
      'control nodes on hosts of their own, free memory or not',
      [host('a', { freeRamMb: 65536 }), host('b'), host('c')],
      want(['control', 'control', 'control']),
      ['a', 'b', 'c'],
    ],
    [
      'a fourth control node where there are fewest',
      [host('a'), host('b')],
      want(['control', 'control', 'control', 'control']),
      ['a', 'b', 'a', 'b'],
    ],
    [
      'control nodes away from those that are there',
      [host('a', { controls: 1, freeRamMb: 65536 }), host('b')],
      want(['control']),
      ['b'],
    ],
    [
      'etcd nodes spread like control nodes',
      [host('a', { freeRamMb: 65536 }), host('b')],
      want(['etcd', 'etcd']),
      ['a', 'b'],
    ],
    ['workers by memory alone', [host('a', { controls: 3, freeRamMb: 65536 }), host('b')], want(['worker']), ['a']],
    ['no disabled host', [host('a', { enabled: false, freeRamMb: 65536 }), host('b')], want(['worker']), ['b']],
    [
      'the wanted hypervisor, in any letter case',
      [host('a', { hypervisor: 'LXC', freeRamMb: 65536 }), host('b')],
      want(['worker'], { hypervisor: 'kvm' }),
      ['b'],
    ],
    [
      'the template’s architecture',
      [host('a', { arch: 'aarch64', freeRamMb: 65536 }), host('b')],
      want(['worker']),
      ['b'],
    ],
    ['exactly what is left', [host('a', { freeCpus: 2, freeRamMb: 2048 })], want(['worker']), ['a']],
    [
      'another host when the best has memory but no CPU',
      [host('a', { freeCpus: 1, freeRamMb: 65536 }), host('b')],
      want(['worker']),
      ['b'],
    ],
  ];
  test.each(cases)('chooses %s', (_, hosts, wishes, chosen) => {
    expect(place(hosts, wishes)).toEqual({ hosts: chosen });
  });

  const refusals: [string, HostRoom[], Wishes, string][] = [
    ['a zone without hosts', [], want(['worker']), 'no host has room for worker machine 1 of 1 (2 CPUs, 2048 MB): the zone has no hosts'],
    ['too little of each kind, host by host', [host('a', { freeCpus: 1 }), host('b', { freeRamMb: 100 }), host('c', { enabled: false }), host('d', { arch: 'aarch64' })], want(['worker']),
      'no host has room for worker machine 1 of 1 (2 CPUs, 2048 MB): a: 1 CPUs free; b: 100 MB free; c: not enabled; d: its architecture is aarch64, not x86_64'],
    ['an unknown hypervisor', [host('a')], want(['control'], { hypervisor: 'Xen' }), 'no host has room for control machine 1 of 1 (2 CPUs, 2048 MB): a: its hypervisor is KVM, not Xen'],
    ['room for some but not all', [host('a', { freeCpus: 4 })], want(['control', 'worker', 'worker']), 'no host has room for worker machine 3 of 3 (2 CPUs, 2048 MB): a: 0 CPUs free'],
  ]; // prettier-ignore
  test.each(refusals)('says why not: %s', (_, hosts, wishes, missing) => {
    expect(place(hosts, wishes)).toEqual({ missing });
  });

  test('leaves what it was given as it was, and answers the same again', () => {
    const hosts = [host('a'), host('b')];
    const copy = structuredClone(hosts);
    const first = place(hosts, want(['control', 'worker', 'worker']));
    expect(hosts).toEqual(copy);
    expect(place(hosts, want(['control', 'worker', 'worker']))).toEqual(first);
  });
});
