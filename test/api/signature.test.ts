import { createHmac } from 'node:crypto';
import { expiryOf, sign, stringToSign, verifySignature } from '../../api/wire/signature.js';

const map = (record: Record<string, string>) => new Map(Object.entries(record));
const hmac = (text: string) => createHmac('sha1', 'SK').update(text.toLowerCase()).digest('base64');

const first = map({
  command: 'listKubernetesClusters',
  response: 'json',
  apiKey: 'AK',
  keyword: 'my cluster',
  listall: 'true',
});
const second = map({
  command: 'createKubernetesCluster',
  response: 'json',
  apiKey: 'AK',
  name: 'a*b~c d',
  'nodeofferings[0].node': 'control',
  'nodeofferings[0].offering': '11111111-2222-3333-4444-555555555555',
  signatureversion: '3',
  expires: '2030-01-02T03:04:05Z',
});

test('the two vectors of the reference are signed as the original signs them', () => {
  expect(stringToSign(first)).toBe(
    'apikey=ak&command=listkubernetesclusters&keyword=my%20cluster&listall=true&response=json',
  );
  expect(sign(first, 'SK')).toBe('KcUgJ0b8TAR5P5MuC5EfH11X/tM=');
  expect(stringToSign(second)).toBe(
    'apikey=ak&command=createkubernetescluster&expires=2030-01-02t03%3a04%3a05z&name=a*b%7ec%20d&nodeofferings[0].node=control&nodeofferings[0].offering=11111111-2222-3333-4444-555555555555&response=json&signatureversion=3',
  );
  expect(sign(second, 'SK')).toBe('FtSFhTiZyZhfefp59bP9hlkypxQ=');
});

test('every client spelling is accepted', () => {
  const go =
    'apikey=AK&command=createKubernetesCluster&expires=2030-01-02T03%3A04%3A05Z&name=a*b~c%20d&nodeofferings[0].node=control&nodeofferings[0].offering=11111111-2222-3333-4444-555555555555&response=json&signatureversion=3';
  const csclient = go.replace('a*b', 'a%2Ab');
  const autoscaler = csclient.replaceAll('[0]', '%5B0%5D');
  for (const text of [go, csclient, autoscaler]) expect(verifySignature(second, hmac(text), 'SK')).toBe(true);
});

test('sorting by whole pairs, as csclient does, is accepted', () => {
  // `a` sorts before `a-b` by name, but `a-b=1` before `a=2` by pair.
  const sent = map({ apiKey: 'AK', a: '2', 'a-b': '1' });
  expect(verifySignature(sent, hmac('a-b=1&a=2&apikey=ak'), 'SK')).toBe(true);
  expect(verifySignature(sent, hmac('a=2&a-b=1&apikey=ak'), 'SK')).toBe(true);
});

test('a changed value, another key and no signature at all are refused', () => {
  expect(verifySignature(first, 'KcUgJ0b8TAR5P5MuC5EfH11X/tM=', 'SK')).toBe(true);
  expect(verifySignature(new Map([...first, ['listall', 'false']]), 'KcUgJ0b8TAR5P5MuC5EfH11X/tM=', 'SK')).toBe(false);
  expect(verifySignature(first, 'KcUgJ0b8TAR5P5MuC5EfH11X/tM=', 'other')).toBe(false);
  for (const signature of ['', 'AAAA', 'not base64 !', 'KcUgJ0b8TAR5P5MuC5EfH11X/sM='])
    expect(verifySignature(first, signature, 'SK')).toBe(false);
});

test.each([
  ['2026-01-31T12:00:00+0000', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T12:00:00 0000', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T14:00:00+02:00', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31', undefined],
  ['tomorrow', undefined],
  ['2026-99-31T12:00:00Z', undefined],
])('expires %s is %s', (text, wanted) => {
  expect(expiryOf(text)?.toISOString()).toBe(wanted);
});
