import { hasSeen, saidIn, SEEN, withSaid, withSeen } from '../../workflows/model/seen-reason.js';

const SAID = 'worker-2: install failed: no space left';

test('what an operation said stays in front of what is seen', () => {
  const first = withSeen(SAID, `${SEEN.troubles}a is off`);
  expect(first).toBe(`${SAID} | ${SEEN.troubles}a is off`);
  const next = withSeen(first, `${SEEN.silent}refused`);
  expect(next).toBe(`${SAID} | ${SEEN.silent}refused`);
  expect(withSeen(next, null)).toBe(SAID);
  expect(saidIn(next)).toBe(SAID);
});

test('without anything said, what is seen is the whole reason, and goes with it', () => {
  const seen = withSeen(null, `${SEEN.troubles}a is off`);
  expect(seen).toBe(`${SEEN.troubles}a is off`);
  expect(hasSeen(seen, 'troubles')).toBe(true);
  expect(hasSeen(seen, 'silent')).toBe(false);
  expect(withSeen(seen, SEEN.again)).toBe(SEEN.again);
  expect(withSeen(seen, null)).toBeNull();
  expect(saidIn('')).toBeNull();
});

test('a long story leaves room for what is seen', () => {
  const seen = withSeen('x'.repeat(5000), `${SEEN.silent}refused`)!;
  expect(seen.length).toBeLessThan(2000);
  expect(seen.endsWith(`${SEEN.silent}refused`)).toBe(true);
});

test('other words of an operation leave what is seen', () => {
  const seen = `${SEEN.certificates}2026-12-01: soon`;
  expect(withSaid(`${SAID} | ${seen}`, 'worker-2: drain failed')).toBe(`worker-2: drain failed | ${seen}`);
  expect(withSaid(`${SAID} | ${seen}`, null)).toBe(seen);
  expect(withSaid(SAID, null)).toBeNull();
});
