import { AFFINITY_TYPES } from '../../workflows/model/affinity.js';
import {
  brokenGroup,
  place,
  type HostGroup,
  type HostRoom,
  type MachineWish,
  type Wishes,
} from '../../workflows/model/placement.js';

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

describe('dedicated hosts', () => {
  const to = (name: string, distance: number | null, more: Partial<HostRoom> = {}) => host(name, { dedicatedTo: { distance }, ...more }); // prettier-ignore
  const cases: [string, HostRoom[], Wishes, string[]][] = [
    ['are used alone where the owner has one', [host('a', { freeRamMb: 65536 }), to('mine', 0)], want(['worker', 'worker']), ['mine', 'mine']],
    ['of others are never used', [to('theirs', null, { freeRamMb: 65536 }), host('b')], want(['worker']), ['b']],
    ['of the account come before those of its domain, and these before the parent’s', [to('root', 2), to('domain', 1), to('account', 0, { freeCpus: 2 })], want(['worker', 'worker']), ['account', 'domain']],
    ['of the account are filled before control nodes are spread to those of the domain', [to('domain', 1), to('account', 0)], want(['control', 'control']), ['account', 'account']],
  ]; // prettier-ignore
  test.each(cases)('%s', (_, hosts, wishes, chosen) => {
    expect(place(hosts, wishes)).toEqual({ hosts: chosen });
  });

  test('that are full are not made up for by others, and each host says why', () => {
    const hosts = [to('mine', 0, { freeCpus: 1 }), to('off', 1, { enabled: false }), host('free'), to('theirs', null)];
    expect(place(hosts, want(['worker']))).toEqual({
      missing: 'no host has room for worker machine 1 of 1 (2 CPUs, 2048 MB): mine: 1 CPUs free; off: not enabled; free: not dedicated to the owner, and other hosts are; theirs: dedicated to others',
    }); // prettier-ignore
  });
});

describe('host tags', () => {
  const tagged = (hostTags: string[]): Wishes => ({ arch: 'x86_64', machines: [{ ...small('worker'), hostTags }] });
  const hosts = [host('plain', { freeRamMb: 65536 }), host('ssd', { tags: ['ssd'] }), host('both', { tags: ['ssd', 'gpu'] })]; // prettier-ignore
  test('all have to be there', () => {
    expect(place(hosts, tagged(['gpu', 'ssd']))).toEqual({ hosts: ['both'] });
    expect(place(hosts, tagged([]))).toEqual({ hosts: ['plain'] });
  });
  test('that are lacking are named', () => {
    expect(place(hosts.slice(0, 2), tagged(['ssd', 'gpu']))).toEqual({
      missing: 'no host has room for worker machine 1 of 1 (2 CPUs, 2048 MB): plain: lacks host tag ssd, gpu; ssd: lacks host tag gpu',
    }); // prettier-ignore
  });
});

describe('control and etcd nodes', () => {
  test('are spread each for themselves, and away from one another while there is a host for it', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((name) => host(name));
    const placed = place(hosts, want(['control', 'control', 'etcd', 'etcd', 'etcd']));
    expect(placed).toEqual({ hosts: ['a', 'b', 'c', 'd', 'a'] });
  });
  test('etcd nodes that are there already count for etcd', () => {
    expect(place([host('a', { etcds: 1, freeRamMb: 65536 }), host('b', { controls: 1 })], want(['etcd']))).toEqual({ hosts: ['b'] }); // prettier-ignore
  });
});

describe('affinity groups', () => {
  const group = (type: string, members: number, roles: HostGroup['roles'] = ['worker']): HostGroup => ({
    id: type, name: `my ${type}`, ...AFFINITY_TYPES[type]!, roles, members,
  }); // prettier-ignore
  const cases: [string, HostRoom[], Wishes, string[]][] = [
    ['anti-affinity gives each node a host of its own, and none that has a member', [host('a', { groups: [group('host anti-affinity', 1)], freeRamMb: 65536 }), host('b', { groups: [group('host anti-affinity', 0)] }), host('c', { groups: [group('host anti-affinity', 0)] })], want(['worker', 'worker']), ['b', 'c']],
    ['affinity pins to the hosts of members', [host('a', { groups: [group('host affinity', 0)], freeRamMb: 65536 }), host('b', { groups: [group('host affinity', 2)] })], want(['worker', 'worker']), ['b', 'b']],
    ['affinity of the first nodes keeps all on one host that has room for all', [host('a', { groups: [group('host affinity', 0)], freeRamMb: 65536, freeCpus: 4 }), host('b', { groups: [group('host affinity', 0)] })], want(['worker', 'worker', 'worker']), ['b', 'b', 'b']],
    ['a group of one role leaves the others alone', [host('a', { groups: [group('host anti-affinity', 1)], freeRamMb: 65536 }), host('b', { groups: [group('host anti-affinity', 0)] })], want(['control', 'worker']), ['a', 'b']],
    ['a non-strict anti-affinity prefers other hosts and gives way', [host('a', { groups: [group('non-strict host anti-affinity', 0)], freeRamMb: 65536 }), host('b', { groups: [group('non-strict host anti-affinity', 0)] })], want(['worker', 'worker', 'worker']), ['a', 'b', 'a']],
    ['a non-strict affinity prefers the members’ host and gives way', [host('a', { groups: [group('non-strict host affinity', 1)], freeCpus: 2 }), host('b', { groups: [group('non-strict host affinity', 0)], freeRamMb: 65536 })], want(['worker', 'worker']), ['a', 'b']],
    ['non-strict affinity of the first nodes gathers them', [host('a', { groups: [group('non-strict host affinity', 0)] }), host('b', { groups: [group('non-strict host affinity', 0)] })], want(['worker', 'worker']), ['a', 'a']],
  ]; // prettier-ignore
  test.each(cases)('%s', (_, hosts, wishes, chosen) => {
    expect(place(hosts, wishes)).toEqual({ hosts: chosen });
  });

  test('that leave no host are named, host by host', () => {
    const anti = (members: number) => ({ groups: [group('host anti-affinity', members)] });
    expect(place([host('a', anti(1)), host('b', anti(0))], want(['worker', 'worker']))).toEqual({
      missing: 'no host has room for worker machine 2 of 2 (2 CPUs, 2048 MB): a: anti-affinity group my host anti-affinity has a machine there; b: anti-affinity group my host anti-affinity has a machine there',
    }); // prettier-ignore
    const pinned = [host('a', { groups: [group('host affinity', 1)], freeCpus: 0 }), host('b', { groups: [group('host affinity', 0)] })]; // prettier-ignore
    expect(place(pinned, want(['worker']))).toEqual({
      missing: 'no host has room for worker machine 1 of 1 (2 CPUs, 2048 MB): a: 0 CPUs free; b: affinity group my host affinity is on another host',
    }); // prettier-ignore
  });
});

test('a machine that is on a host already is held against the groups of its role', () => {
  const anti = (members: number): HostGroup => ({ id: 'g', name: 'apart', kind: 'anti-affinity', strict: true, roles: ['worker'], members }); // prettier-ignore
  const hosts = [host('a', { groups: [anti(1)] }), host('b', { groups: [anti(0)] })];
  expect(brokenGroup(hosts, 'a', 'worker')).toBe('anti-affinity group apart has a machine there');
  expect([brokenGroup(hosts, 'b', 'worker'), brokenGroup(hosts, 'a', 'control'), brokenGroup(hosts, 'x', 'worker')]).toEqual([undefined, undefined, undefined]); // prettier-ignore
});

test('a refusal of a large zone names twenty hosts and counts the rest', () => {
  const hosts = Array.from({ length: 200 }, (_, i) => host(`h${i}`, { freeCpus: 0 }));
  const placed = place(hosts, want(['worker']));
  expect(placed).toMatchObject({ missing: expect.stringMatching(/; h19: 0 CPUs free; and 180 more hosts$/) as string });
});

test('a hundred machines on two hundred hosts are placed in well under a second', () => {
  const groups: HostGroup[] = [{ id: 'g', name: 'g', kind: 'anti-affinity', strict: true, roles: ['worker'], members: 0 }]; // prettier-ignore
  const hosts = Array.from({ length: 200 }, (_, i) => host(`h${i}`, { groups }));
  const began = performance.now();
  const placed = place(hosts, want(Array.from({ length: 100 }, () => 'worker' as const)));
  expect('hosts' in placed && new Set(placed.hosts).size).toBe(100);
  expect(performance.now() - began).toBeLessThan(1000);
});
