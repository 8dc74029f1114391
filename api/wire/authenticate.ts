import type { Db } from '../../db/knex.js';
import { findIdentity, type Identity } from '../../db/accounts.js';
import { endSession, findSession, isSessionKey, keepSession } from '../../db/sessions.js';
import { readSecret, type Sealer } from '../../db/secret.js';
import type { Settings } from '../../workflows/model/settings.js';
import type { Caller, Role } from '../command.js';
import { SESSION_COOKIE } from './cookies.js';
import { unauthorized, WireError } from './errors.js';
import { anyCase } from './request.js';
import { expiryOf, verifySignature } from './signature.js';

const ROLE_OF: Readonly<Record<number, Role>> = { 0: 'U', 1: 'A', 2: 'D', 3: 'R' };
const QUARTER_HOUR_MS = 15 * 60 * 1000;

export interface Credentials {
  sent: ReadonlyMap<string, string>;
  cookies: ReadonlyMap<string, string>;
  method: string;
}
export interface Verifier {
  db: Db;
  sealer: Sealer;
  settings(): Promise<Settings>;
  now(): Date;
}

function callerOf(identity: Identity | undefined, refusal: WireError): Caller {
  const role = identity && ROLE_OF[identity.account.type];
  if (!identity?.enabled || !role) throw refusal;
  const { user, account, domain } = identity;
  // What runs in a cluster is never more than a user, whoever owns the cluster.
  return user.scope === 'kubernetes'
    ? { user, account, domain, role: 'U', scope: user.scope }
    : { user, account, domain, role };
}

/** The session that came with the request, if it still lives. */
export async function callerBySession(verifier: Verifier, { sent, cookies }: Credentials): Promise<Caller | undefined> {
  const token = cookies.get(SESSION_COOKIE);
  const session = token && (await findSession(verifier.db, token));
  if (!token || !session) return undefined;
  const settings = await verifier.settings();
  const byCookie = isSessionKey(session, cookies.get('sessionkey'));
  const byParameter = isSessionKey(session, sent.get('sessionkey'));
  const where = settings['api.sessionkey.check.locations'];
  const right =
    where === 'CookieOrParameter'
      ? byCookie || byParameter
      : where === 'ParameterOnly'
        ? byParameter
        : byCookie && byParameter;
  try {
    const refusal = unauthorized('unable to verify user credentials');
    if (!right) throw refusal;
    const caller = callerOf(await findIdentity(verifier.db, { uuid: session.user_id }), refusal);
    await keepSession(verifier.db, session, settings['session.timeout']);
    return caller;
  } catch (error) {
    if (error instanceof WireError) await endSession(verifier.db, token);
    throw error;
  }
}

/** The caller whose secret key signed the request; 401 with one text for every reason that he is not known. */
export async function callerBySignature(verifier: Verifier, { sent }: Credentials): Promise<Caller> {
  const [apiKey, signature] = [anyCase(sent, 'apikey'), anyCase(sent, 'signature')];
  if (!apiKey || !signature) throw unauthorized();
  const strict = (await verifier.settings())['enforce.post.requests.and.timestamps'];
  if (strict || anyCase(sent, 'signatureversion') === '3') {
    const expires = expiryOf(anyCase(sent, 'expires') ?? '');
    const left = expires ? expires.getTime() - verifier.now().getTime() : -1;
    if (left < 0 || (strict && left > QUARTER_HOUR_MS)) throw unauthorized();
  }
  const identity = await findIdentity(verifier.db, { api_key: apiKey });
  const secret =
    identity && (await readSecret(verifier.db, verifier.sealer, `user/${identity.user.uuid}`, 'secretkey'));
  if (!secret || !verifySignature(sent, signature, secret.reveal())) throw unauthorized();
  return callerOf(identity, unauthorized());
}

/** With `enforce.post.requests.and.timestamps`, commands that change something must be POSTed. */
export async function refuseChangingGet(verifier: Verifier, commandName: string, method: string): Promise<void> {
  if (method === 'POST' || /^(get|list|query|find)/i.test(commandName)) return;
  if ((await verifier.settings())['enforce.post.requests.and.timestamps']) {
    throw new WireError(400, 9999, `State changing command ${commandName} must be sent by POST`);
  }
}
