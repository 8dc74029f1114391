import ssh2 from 'ssh2';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';

/** `ssh2` alone makes one bad pair in 300: here a dozen in 4,000. It showed as a create that no resume could finish. */
test('each of 4,000 new SSH key pairs can be read by who gets it', () => {
  const pairs = Array.from({ length: 4000 }, (_, i) => newSshKeyPair(i % 2 === 0 ? '' : `pair-${i}`));
  const isBad = (text: string) => ssh2.utils.parseKey(text) instanceof Error;
  expect(pairs.filter((pair) => isBad(pair.private) || isBad(pair.public))).toEqual([]);
  expect(pairs[1]!.public.split(' ')).toEqual(['ssh-ed25519', expect.any(String), 'pair-1']);
});
