import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import path from 'node:path';
import { projectRoot } from './project-root.js';
import type { Secret } from './secret.js';

/** A value as Temporal stores it. */
export interface HistoryPayload {
  metadata?: Record<string, Uint8Array> | null;
  data?: Uint8Array | null;
}

const SEALED = 'binary/encrypted';
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');

/** A payload as JSON has it: its bytes in base64, as Temporal's codec endpoints exchange them. */
export interface WirePayload {
  metadata?: Record<string, string>;
  data?: string;
}
export const toWire = ({ metadata, data }: HistoryPayload): WirePayload => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])),
  data: base64(data),
});
export const fromWire = ({ metadata = {}, data = '' }: WirePayload): HistoryPayload => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
  data: Buffer.from(data, 'base64'),
});

/**
 * Seals what goes to Temporal, each value whole, with AES-256-GCM under a key derived from the service's. It opens what it sealed and
 * lets pass what it did not, so that runs go on when sealing is switched on or off.
 */
export class HistoryCodec {
  readonly #key: Buffer;
  readonly keyId: string;

  constructor(
    encryptionKey: Secret,
    private readonly seals: boolean,
  ) {
    this.#key = Buffer.from(hkdfSync('sha256', Buffer.from(encryptionKey.reveal()), 'cks', 'history', 32));
    this.keyId = createHash('sha256').update(this.#key).digest('hex').slice(0, 8);
  }

  encode = async <P extends HistoryPayload>(payloads: P[]): Promise<P[]> =>
    this.seals ? payloads.map((payload) => this.#seal(payload) as P) : payloads;

  decode = async <P extends HistoryPayload>(payloads: P[]): Promise<P[]> =>
    payloads.map((payload) => (text(payload.metadata?.['encoding']) === SEALED ? (this.#open(payload) as P) : payload));

  #seal(payload: HistoryPayload): HistoryPayload {
    const plain = JSON.stringify(toWire(payload));
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return {
      metadata: { encoding: Buffer.from(SEALED), 'key-id': Buffer.from(this.keyId) },
      data: Buffer.concat([nonce, cipher.getAuthTag(), body]),
    };
  }

  #open({ metadata, data }: HistoryPayload): HistoryPayload {
    const keyId = text(metadata?.['key-id']);
    if (keyId !== this.keyId)
      throw new Error(
        `a history is sealed under key ${keyId}, and that of this service is ${this.keyId}: it was rotated`,
      );
    const bytes = Buffer.from(data ?? []);
    const cipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(12, 28));
    const plain = Buffer.concat([cipher.update(bytes.subarray(28)), cipher.final()]).toString('utf8');
    return fromWire(JSON.parse(plain) as WirePayload);
  }
}

/** How clients and workers write to Temporal. Throws with the name of the variable that is wrong. */
export function historyConverter(env: NodeJS.ProcessEnv, encryptionKey: Secret) {
  const wanted = env['CKS_HISTORY_CODEC'] || 'off';
  if (wanted !== 'on' && wanted !== 'off') throw new Error(`CKS_HISTORY_CODEC is on or off, found "${wanted}"`);
  const seals = wanted === 'on';
  return {
    payloadCodecs: [new HistoryCodec(encryptionKey, seals)],
    // Else messages and stack traces of failures stay outside of what is sealed.
    ...(seals && { failureConverterPath: path.join(projectRoot(), 'workflows/failure-converter.cjs') }),
  };
}
