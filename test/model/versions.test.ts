import { compareVersions } from '../../workflows/model/versions.js';

describe('compareVersions', () => {
  const cases: [string, string, number][] = [
    ['1.34.2', '1.34.2', 0],
    ['1.34.2', '1.34.10', -1],
    ['1.9.0', '1.10.0', -1],
    ['2.0.0', '1.99.99', 1],
    ['1.34', '1.34.0', 0],
    ['1.34', '1.34.1', -1],
    ['1.16.0', '1.15.12', 1],
  ];
  test.each(cases)('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a)) + sign).toBe(0);
  });
});
