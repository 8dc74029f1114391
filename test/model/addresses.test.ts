import {
  gatewayOf,
  macOf,
  netmaskOf,
  nodeAddresses,
  parseCidr,
  toAddress,
  toNumber,
} from '../../workflows/model/addresses.js';

describe('addresses', () => {
  test.each(['0.0.0.0', '10.100.4.10', '127.80.0.1', '192.168.255.255', '255.255.255.255'])(
    '%s is the same number there and back',
    (address) => {
      expect(toAddress(toNumber(address))).toBe(address);
    },
  );

  test.each([
    [8, '255.0.0.0'],
    [16, '255.255.0.0'],
    [22, '255.255.252.0'],
    [24, '255.255.255.0'],
    [30, '255.255.255.252'],
    [32, '255.255.255.255'],
  ])(
    // prettier-ignore
    'a /%i has netmask %s',
    (bits, mask) => expect(netmaskOf(bits)).toBe(mask),
  );

  test('a range is its first address and its bits', () => {
    expect(parseCidr('10.100.4.0/22')).toEqual({ base: toNumber('10.100.4.0'), bits: 22 });
    expect(gatewayOf('10.100.4.0/22')).toBe('10.100.4.1');
  });

  const ranges: [string, number, string, string][] = [
    ['10.0.0.0/28', 5, '10.0.0.10', '10.0.0.14'],
    ['10.0.0.0/24', 245, '10.0.0.10', '10.0.0.254'],
    ['10.100.4.0/22', 1013, '10.100.4.10', '10.100.7.254'],
  ];
  test.each(ranges)(
    '%s has room for %i nodes, from %s to %s: not the gateway, not the broadcast',
    (cidr, count, first, last) => {
      const all = [...nodeAddresses(cidr)];
      expect([all.length, all[0], all.at(-1)]).toEqual([count, first, last]);
    },
  );

  test('a range too small for nodes has none', () => {
    expect([...nodeAddresses('10.0.0.0/29')]).toEqual([]);
  });

  test('a MAC is locally administered, and no two nodes of a zone share one', () => {
    expect(macOf(258, '10.100.4.10')).toBe('1e:00:01:02:04:0a');
    const seen = new Set<string>();
    for (const number of [1, 2, 255, 256, 257])
      for (const address of nodeAddresses('10.100.4.0/22')) seen.add(macOf(number, address));
    expect(seen.size).toBe(5 * 1013);
  });
});
