import { longestChain, type TimedLine } from '../../workflows/model/plan.js';

const line = (number: number, left: number, ...after: number[]): TimedLine => ({ line: number, left, after });

describe('longestChain', () => {
  const cases: [string, TimedLine[], number][] = [
    ['of nothing', [], 0],
    ['of one line', [line(0, 5)], 5],
    ['of lines one after the other', [line(0, 5), line(1, 3, 0), line(2, 2, 1)], 10],
    ['of lines at the same time', [line(0, 5), line(1, 30), line(2, 20)], 30],
    ['of a fork and a join', [line(0, 1), line(1, 10, 0), line(2, 4, 0), line(3, 1, 1, 2)], 12],
    ['where a line waits for another lane', [line(0, 10), line(1, 1), line(2, 5, 1, 0)], 15],
    ['of ended lines', [line(0, 0), line(1, 0, 0)], 0],
    ['past ended lines', [line(0, 0), line(1, 7, 0)], 7],
    ['after a line that is not there', [line(4, 7, 3)], 7],
    ['in any order', [line(2, 2, 1), line(0, 5), line(1, 3, 0)], 10],
  ];
  test.each(cases)('%s', (_, lines, seconds) => {
    expect(longestChain(lines)).toBe(seconds);
  });

  test('of ten thousand lines takes no recursion', () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => (i === 0 ? line(0, 1) : line(i, 1, i - 1)));
    expect(longestChain(lines)).toBe(10_000);
  });
});
