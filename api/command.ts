import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AccountRow, DomainRow, UserRow } from '../db/rows.js';
import type { Sealer } from '../db/secret.js';
import type { Settings } from '../workflows/model/settings.js';
import type { Params, Values } from './params.js';
import type { Registry } from './registry.js';

/** Account types that may call: root admin, resource admin, domain admin, user (`api.md` §1.4). */
export const ROLES = ['A', 'R', 'D', 'U'] as const;
export type Role = (typeof ROLES)[number];
export const EVERYONE: readonly Role[] = ROLES;
export const ADMIN: readonly Role[] = ['A'];

export interface Caller {
  user: Pick<UserRow, 'uuid' | 'username' | 'firstname' | 'lastname'>;
  account: Pick<AccountRow, 'uuid' | 'account_name' | 'type'>;
  domain: Pick<DomainRow, 'uuid' | 'name' | 'path'>;
  role: Role;
  /** A user of the in-cluster service: may call a few commands only, on what its own account or project has. */
  scope?: 'kubernetes';
}

/** What the HTTP side lends to `login` and `logout`. */
export interface SessionControl {
  /** Starts a session for the user and sets its cookies. */
  start(userId: string): Promise<{ sessionkey: string; timeoutSeconds: number }>;
  /** Ends the session that came with the request; false when there is none. */
  end(): Promise<boolean>;
}

export interface Context {
  db: Knex;
  sealer: Sealer;
  /** Settings in force, for one account where it matters. */
  settings(accountId?: string): Promise<Settings>;
  /** To be called after a setting was changed, so that this server sees it at once. */
  settingsChanged(): void;
  /** Absent until Temporal has answered once. */
  temporal: Client | undefined;
  /** Address of the Temporal Web UI, without a slash at the end. */
  temporalUi: string;
  /** The service's folder, shared with the workers. */
  home: string;
  caller: Caller;
  log: Logger;
  now(): Date;
  command: Command;
  registry: Registry;
  session: SessionControl;
  httpMethod: string;
}

/** One declared field of an answer: what `listApis`, the OpenAPI document and the reference page say about it. */
export interface ResponseField {
  type: string;
  description: string;
  fields?: ResponseFields;
}
export type ResponseFields = Readonly<Record<string, ResponseField>>;
export interface ResponseObject {
  /** Object and list key inside the envelope. */
  key: string;
  fields: ResponseFields;
}

export type Fields = Record<string, unknown>;
export type Answer =
  | { kind: 'object'; fields: Fields }
  | { kind: 'list'; count: number; items: readonly Fields[] }
  | { kind: 'success'; displaytext?: string }
  | { kind: 'job'; jobid: string; id?: string }
  | { kind: 'bare'; fields: Fields };

/** `{"<cmd>response":{"<key>":{…}}}` */
export const object = (fields: Fields): Answer => ({ kind: 'object', fields });
/** `{"<cmd>response":{"count":N,"<key>":[…]}}`; `count` is the total, not the page. */
export const list = (count: number, items: readonly Fields[]): Answer => ({ kind: 'list', count, items });
/** `{"<cmd>response":{"success":true}}` */
export const success = (displaytext?: string): Answer => ({ kind: 'success', displaytext });
/** `{"<cmd>response":{"jobid":"…"}}`, with the new object's id for async creates. */
export const job = (jobid: string, id?: string): Answer => ({ kind: 'job', jobid, id });
/** Fields directly below the outer key. */
export const bare = (fields: Fields): Answer => ({ kind: 'bare', fields });

export interface Declaration<P extends Params> {
  name: string;
  description: string;
  since?: string;
  roles: readonly Role[];
  /** Answers with a job. */
  isAsync?: boolean;
  /** Belongs to the Kubernetes service: absent when `cloud.kubernetes.service.enabled` is false. */
  kubernetes?: boolean;
  /** Faults thrown by the handler become 530/9999 with their message (`api.md` §2.2). Default: as `kubernetes`. */
  wraps?: boolean;
  /** Callable without credentials: `login` and `logout` only. */
  open?: boolean;
  /** Refused with 405 unless POSTed. */
  postOnly?: boolean;
  params: P;
  /** The object it answers with, or that the job's result holds; `success` for success-only answers. */
  response: ResponseObject | 'success';
  isList?: boolean;
  handler(ctx: Context, params: Values<P>): Promise<Answer>;
}
export type Command = Declaration<Params>;

/** Declares a command. Everything else — validation, `listApis`, OpenAPI, the reference page, forms — is derived from it. */
export const command = <P extends Params>(declaration: Declaration<P>): Command => declaration;

export const wrapsFaults = (declared: Command): boolean => declared.wraps ?? declared.kubernetes ?? false;
export const isAsync = (declared: Command): boolean => declared.isAsync ?? false;

type FieldTable = Record<string, readonly [type: string, description: string, nested?: ResponseFields]>;

/** Declares fields: `{ id: ['string', 'the ID of the zone'] }`. */
export const fields = (table: FieldTable): ResponseFields =>
  Object.fromEntries(
    Object.entries(table).map(([name, [type, description, nested]]) => [
      name,
      { type, description, ...(nested && { fields: nested }) },
    ]),
  );

export const responseObject = (key: string, table: FieldTable): ResponseObject => ({ key, fields: fields(table) });
