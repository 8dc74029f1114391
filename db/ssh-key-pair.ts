import ssh2 from 'ssh2';

/**
 * A new ed25519 pair in OpenSSH's formats. `ssh2` drops a leading zero byte of a key (github.com/mscdex/ssh2/issues/1390): one pair
 * in 300 cannot be read again by anybody, so each is read back before it is used.
 */
export function newSshKeyPair(comment = ''): { private: string; public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', comment === '' ? {} : { comment });
    const isSound = [pair.private, pair.public].every((text) => !(ssh2.utils.parseKey(text) instanceof Error));
    if (isSound) return { private: pair.private, public: pair.public };
  }
}
