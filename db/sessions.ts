import { createHash, randomBytes } from 'node:crypto';
import { now, nowPlus, type Db } from './knex.js';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface NewSession {
  token: string;
  sessionkey: string;
}

/** Only hashes are stored: a copy of the database opens no session. */
export async function startSession(db: Db, userId: string, minutes: number): Promise<NewSession> {
  const session = { token: randomBytes(32).toString('base64url'), sessionkey: randomBytes(20).toString('base64url') };
  await db('session').insert({
    token_hash: hash(session.token),
    sessionkey_hash: hash(session.sessionkey),
    user_id: userId,
    expires: nowPlus(db, minutes * 60),
  });
  await db('session').where('expires', '<', now(db)).delete();
  return session;
}

export interface SessionRow {
  user_id: string;
  token_hash: string;
  sessionkey_hash: string;
}

/** The session that a cookie names, unless it has ended. */
export const findSession = (db: Db, token: string): Promise<SessionRow | undefined> =>
  Promise.resolve(
    db('session')
      .where({ token_hash: hash(token) })
      .where('expires', '>', now(db))
      .first<SessionRow | undefined>('user_id', 'token_hash', 'sessionkey_hash'),
  );

/** Comparing hashes leaks nothing of the key through time. */
export const isSessionKey = (session: SessionRow, sessionkey: string | undefined): boolean =>
  sessionkey !== undefined && hash(sessionkey) === session.sessionkey_hash;

/** Puts off the end of a session that is used; at most one write a minute. */
export const keepSession = (db: Db, session: SessionRow, minutes: number): Promise<unknown> =>
  Promise.resolve(
    db('session')
      .where({ token_hash: session.token_hash })
      .where('expires', '<', nowPlus(db, minutes * 60 - 60))
      .update({ expires: nowPlus(db, minutes * 60) }),
  );

export const endSession = async (db: Db, token: string): Promise<boolean> =>
  (await db('session')
    .where({ token_hash: hash(token) })
    .delete()) > 0;
