import type { Db } from './knex.js';
import { keepSecret, Secret, type Sealer } from './secret.js';
import { newSshKeyPair } from './ssh-key-pair.js';

/**
 * The SSH key pair with which this service reaches the machines of one account: its public half is put into every machine that it
 * makes for the account, and the owner puts it into those that he brings. The private half never leaves the service.
 */
export async function accountKeyPair(
  db: Db,
  sealer: Sealer,
  accountId: string,
): Promise<{ private: string; public: string }> {
  const kept = await keepSecret(
    db,
    sealer,
    `account/${accountId}`,
    'ssh',
    () => new Secret(JSON.stringify(newSshKeyPair())),
  );
  return JSON.parse(kept.reveal()) as { private: string; public: string };
}
