import { randomOf } from '../../lab/random.js';

test('a seed gives the same moments each time, another seed others, all of them from 0 to 1', () => {
  const some = (seed: number) => Array.from({ length: 200 }, randomOf(seed));
  expect(some(7)).toEqual(some(7));
  expect(some(8)).not.toEqual(some(7));
  expect(new Set(some(7)).size).toBe(200);
  expect(some(7).every((one) => one >= 0 && one < 1)).toBe(true);
  expect(Math.min(...some(7))).toBeLessThan(0.1);
  expect(Math.max(...some(7))).toBeGreaterThan(0.9);
});
