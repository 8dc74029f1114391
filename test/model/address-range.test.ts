import { addressesOf, isAddress, isCidr, overlaps, readRange } from '../../workflows/model/address-range.js';

const text = (more: Partial<Parameters<typeof readRange>[0]> = {}) => ({ startip: '203.0.113.10', endip: '203.0.113.20', gateway: '203.0.113.1', netmask: '255.255.255.0', ...more }); // prettier-ignore

test('a range holds both of its ends', () => {
  const range = readRange(text());
  expect('problem' in range ? [] : [...addressesOf(range)]).toHaveLength(11);
  const one = readRange(text({ endip: '203.0.113.10' }));
  expect('problem' in one ? [] : [...addressesOf(one)]).toEqual(['203.0.113.10']);
});

test('the largest is a /20', () => {
  const wide = { startip: '198.18.0.2', gateway: '198.18.0.1', netmask: '255.254.0.0' };
  expect(readRange({ ...wide, endip: '198.18.16.1' })).not.toHaveProperty('problem');
  expect(readRange({ ...wide, endip: '198.18.16.2' })).toEqual({ problem: 'the range has 4097 addresses: at most 4096 (a /20) can be added at once' }); // prettier-ignore
});

test.each([
  [{ startip: '203.0.113.256' }, 'startip must be an IPv4 address, found "203.0.113.256"'],
  [{ endip: '' }, 'endip must be an IPv4 address, found ""'],
  [{ gateway: '203.0.113' }, 'gateway must be an IPv4 address'],
  [{ startip: '203.0.113.010' }, 'startip must be an IPv4 address'],
  [{ netmask: '255.0.255.0' }, 'netmask must be one from'],
  [{ netmask: '255.255.255.255' }, 'netmask must be one from'],
  [{ startip: '203.0.113.30' }, 'startip 203.0.113.30 comes after endip 203.0.113.20'],
  [{ gateway: '203.0.114.1' }, 'startip 203.0.113.10 is not in the network 203.0.114.0/24 of the gateway'],
  [{ endip: '203.0.114.2' }, 'endip 203.0.114.2 is not in the network'],
  [{ gateway: '203.0.113.15' }, 'the gateway 203.0.113.15 is one of the addresses'],
  [{ startip: '203.0.113.0', gateway: '203.0.113.254' }, 'first or last address'],
  [{ endip: '203.0.113.255' }, 'first or last address'],
])('%j is refused', (more, problem) => {
  expect(readRange(text(more))).toEqual({ problem: expect.stringContaining(problem) as string });
});

test('ranges overlap when they share an address', () => {
  expect(overlaps({ start: 1, end: 5 }, { start: 5, end: 9 })).toBe(true);
  expect(overlaps({ start: 1, end: 9 }, { start: 3, end: 4 })).toBe(true);
  expect(overlaps({ start: 1, end: 4 }, { start: 5, end: 9 })).toBe(false);
});

test.each([['10.0.0.0/8', true], ['10.1.0.0/8', false], ['10.0.0.0', false], ['10.0.0.0/33', false], ['10.0.0.0/8/8', false], ['0.0.0.0/0', true], ['a/8', false]] as const)('CIDR %s: %s', (cidr, is) => {
  expect(isCidr(cidr)).toBe(is);
}); // prettier-ignore

test.each([['1.2.3.4', true], ['255.255.255.255', true], ['1.2.3', false], ['1.2.3.4.5', false], [' 1.2.3.4', false], ['1.2.3.4\n', false], ['::1', false]] as const)('address %j: %s', (address, is) => {
  expect(isAddress(address)).toBe(is);
}); // prettier-ignore
