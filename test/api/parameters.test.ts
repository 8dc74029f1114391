import { parseDate, wireDate } from '../../api/wire/dates.js';
import { WireError } from '../../api/wire/errors.js';
import { unpack } from '../../api/wire/maps.js';
import { p } from '../../api/params.js';
import { toXml } from '../../api/wire/xml.js';
import { write } from '../../api/wire/envelope.js';

const map = (record: Record<string, string>) => new Map(Object.entries(record));

test('names lose their capitals, field names of maps keep them', () => {
  const unpacked = unpack(
    map({
      zoneId: 'z',
      'nodeOfferings[1].node': 'worker',
      'NODEOFFERINGS[1].Offering': 'o',
      'nodeofferings[0].node': 'control',
    }),
  );
  expect(unpacked.get('zoneid')).toBe('z');
  const offerings = unpacked.get('nodeofferings') as ReadonlyMap<number, Map<string, string>>;
  expect([...offerings.keys()]).toEqual([1, 0]);
  expect([...offerings.get(1)!]).toEqual([['node', 'worker'], ['Offering', 'o']]); // prettier-ignore
});

test.each([
  'a[0]',
  'a[0]b',
  'a[x].b',
  'a[-1].b',
  'a[0][1].b',
  'a[0.b',
  'a]0[.b',
  'a[].b',
  'a[0].',
  'a[0].b[1]',
  'a[99999999999].b',
])('%s is answered by 430', (name) => {
  const refused = () => unpack(map({ [name]: '1' }));
  expect(refused).toThrow(WireError);
  expect(refused).toThrow(/^Unable to decode parameter/);
  try {
    refused();
  } catch (error) {
    expect((error as WireError).status).toBe(430);
  }
});

test('names of prototypes are only names', () => {
  const unpacked = unpack(map({ '__proto__[0].polluted': 'yes', 'constructor[0].prototype': 'yes', __proto__: 'x' }));
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(unpacked.has('__proto__')).toBe(true);
});

test.each([
  ['true', true], ['TRUE', true], ['True', true], ['yes', false], ['1', false], ['', false], ['false', false],
] as const)('boolean "%s" is %s and never an error', (text, wanted) => {
  expect(p.boolean({ description: '' }).schema.parse(text)).toBe(wanted);
}); // prettier-ignore

test.each([['2147483647', true], ['2147483648', false], ['-5', true], ['+5', true], ['1.5', false], ['0x10', false], ['1e3', false], [' 1', false], ['99999999999999999999', false]] as const)('integer "%s" is accepted: %s', (text, wanted) => {
  expect(p.integer({ description: '' }).schema.safeParse(text).success).toBe(wanted);
}); // prettier-ignore

test('lists skip empty tokens', () => {
  expect(p.list({ description: '' }).schema.parse('a,,b, c ,')).toEqual(['a', 'b', 'c']);
});

test.each([
  ['2025-10-30T13:51:39Z', '2025-10-30T13:51:39.000Z'],
  ['2025-10-30T13:51:39+05:30', '2025-10-30T08:21:39.000Z'],
  ['2025-10-30T13:51:39+0530', '2025-10-30T08:21:39.000Z'],
  ['2025-10-30 13:51:39', '2025-10-30T13:51:39.000Z'],
  ['2025-10-30', '2025-10-30T00:00:00.000Z'],
  ['30.10.2025', undefined],
  ['2025-13-30', undefined],
])('date %s is %s', (text, wanted) => {
  expect(parseDate(text)?.toISOString()).toBe(wanted);
});

test('a plain end date is the end of that day; stored times are shown without milliseconds', () => {
  expect(parseDate('2025-10-30', true)?.toISOString()).toBe('2025-10-30T23:59:59.000Z');
  expect(wireDate('2025-10-30 13:51:39.123')).toBe('2025-10-30T13:51:39+0000');
  expect(wireDate(null)).toBeUndefined();
});

test('XML repeats list elements, escapes text and survives what XML cannot hold', () => {
  expect(toXml('r', { count: 2, zone: [{ name: 'a<&>"\'' }, { name: 'b\u0000\ud800', tags: [], none: '' }] })).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><r><count>2</count><zone><name>a&lt;&amp;&gt;&quot;&apos;</name></zone><zone><name>b\ufffd</name><none></none></zone></r>',
  );
  expect(toXml('r', { m: { '1a b': 'x' } })).toContain('<_1a_b>x</_1a_b>');
});

test('null and undefined fields are left out, empty strings and lists are written', () => {
  expect(write('r', { a: null, b: undefined, c: '', d: [], e: { f: null }, g: false, h: 0 }, 'json').body).toBe(
    '{"r":{"c":"","d":[],"e":{},"g":false,"h":0}}',
  );
});
