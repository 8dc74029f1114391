import { badLabel, badTags, badToken } from '../../workflows/model/labels.js';

test.each(['a', 'host-1', 'kvm1.example', 'A_b', '0', 'x'.repeat(63)])('%s can name a host', (text) => {
  expect(badToken('name', text)).toBeUndefined();
});
test.each(['', '-a', '.a', 'a b', 'a/b', 'a<b', 'a&b', 'a"b', "a'b", 'a\0b', 'a\n', 'ü', 'a;b', '$(x)', 'x'.repeat(64)])('%j cannot name a host', (text) => {
  expect(badToken('name', text)).toMatch(/^name must/);
}); // prettier-ignore

test.each(['Zürich 1', '東京', 'a', 'x'.repeat(100)])('%s can name a zone', (text) => {
  expect(badLabel('name', text)).toBeUndefined();
});
test.each(['', '  ', ' a', 'a ', 'a<b', 'a>b', 'a&b', 'a"b', "a'b", 'a\0b', 'a\u007fb', 'a\nb', 'x'.repeat(101)])('%j cannot name a zone', (text) => {
  expect(badLabel('name', text)).toMatch(/^name must/);
}); // prettier-ignore

test('a refusal shows no control characters and no more than the beginning of a text', () => {
  expect(badToken('name', '<\0\u001b[31m')).toContain('found "<??[31m"');
  expect(badLabel('name', `<${'x'.repeat(90)}`)!.length).toBeLessThan(160);
});

test('tags are tokens; none is none', () => {
  expect([badTags(''), badTags('ssd'), badTags('ssd, gpu,')]).toEqual([undefined, undefined, undefined]);
  expect(badTags('ssd,a b')).toContain('a host tag must be of letters');
  expect(badTags(`${'x'.repeat(60)},`.repeat(5))).toContain('255 characters at most');
});
