import type { KeyPairListRow } from '../../db/keypairs.js';
import { responseObject, type Fields } from '../command.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

const FIELDS = {
  id: ['string', 'Id of the ssh keypair'],
  name: ['string', 'Name of the keypair'],
  fingerprint: ['string', 'Fingerprint of the public key'],
  ...OWNER_FIELDS,
  hasannotations: ['boolean', 'true if the key pair has comments'],
} as const;

/** Lists use the key `sshkeypair`, the two commands that make one `keypair`. */
export const SSH_KEY_PAIR = responseObject('sshkeypair', FIELDS);
export const KEY_PAIR = responseObject('keypair', FIELDS);
export const CREATED_KEY_PAIR = responseObject('keypair', {
  ...FIELDS,
  privatekey: ['string', 'Private key; shown this once and kept nowhere'],
});

export const keyPairView = (
  row: Pick<KeyPairListRow, 'uuid' | 'keypair_name' | 'fingerprint'> & Partial<KeyPairListRow>,
): Fields => ({
  id: row.uuid,
  name: row.keypair_name,
  fingerprint: row.fingerprint,
  ...ownerView(row),
  hasannotations: false,
});
