import { randomUUID } from 'node:crypto';
import { now, type Db } from './knex.js';

export interface NewEvent {
  type: string;
  state: 'Created' | 'Scheduled' | 'Started' | 'Completed';
  level?: 'INFO' | 'WARN' | 'ERROR';
  description: string;
  user_id: string | null;
  account_id: string;
  domain_id: string;
  resource_type?: string;
  resource_id?: string;
  /** The first event of the same action. */
  start_id?: string | null;
}

/** Writes an event; in the same transaction as the change it tells of. Returns its id. */
export async function writeEvent(db: Db, event: NewEvent): Promise<string> {
  const uuid = randomUUID();
  const { level = 'INFO', description, ...rest } = event;
  await db('event').insert({ uuid, level, description: description.slice(0, 1000), ...rest, created: now(db) });
  return uuid;
}
