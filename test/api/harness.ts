import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { pino } from 'pino';
import type { Role } from '../../api/command.js';
import { createHttpServer } from '../../api/server.js';
import type { Deps } from '../../api/services.js';
import { sign } from '../../api/wire/signature.js';
import { hashPassword, newKey } from '../../db/accounts.js';
import { seedDefaults } from '../../db/defaults.js';
import { connect, now } from '../../db/knex.js';
import { migrate } from '../../db/migrate.js';
import { Sealer, Secret, writeSecret } from '../../db/secret.js';

export interface TestUser {
  userId: string;
  accountId: string;
  domainId: string;
  username: string;
  apiKey: string;
  secretKey: string;
}
export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The whole JSON body. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the server said
  body: any;
  /** What stands below the only key. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the server said
  content: any;
}
export interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

export const PASSWORD = 'correct horse';

const ACCOUNT_TYPE: Record<Role, number> = { U: 0, A: 1, D: 2, R: 3 };

/** A real server on a real SQLite database with the defaults of a first start and one user of each role. */
export class Harness {
  readonly users = {} as Record<Role | 'other', TestUser>;
  readonly logged: string[] = [];
  server!: Server;
  db!: Knex;
  readonly sealer = new Sealer(new Secret('a key for tests only, long enough'));
  clock: () => Date = () => new Date();
  #drop: () => Promise<void> = () => Promise.resolve();
  readonly folder = mkdtempSync(join(tmpdir(), 'cks-api-'));

  static async start(deps: Partial<Deps> = {}): Promise<Harness> {
    const harness = new Harness();
    const db = connect(await harness.#databaseUrl());
    harness.db = db;
    await migrate(db);
    const seeded = await seedDefaults(db, harness.sealer, {
      simulatorPort: 18090,
      endpointUrl: 'http://192.0.2.1:8080/client/api',
    });
    const admin = await db('user').where({ username: 'admin' }).first<{ uuid: string; account_id: string }>();
    const root = await db('domain').where({ path: 'ROOT' }).first<{ uuid: string }>();
    harness.users.A = {
      userId: admin.uuid,
      accountId: admin.account_id,
      domainId: root.uuid,
      username: 'admin',
      apiKey: seeded.apiKey,
      secretKey: seeded.secretKey.reveal(),
    };
    const eng = await harness.addDomain('eng', 'ROOT/eng', root.uuid, 1);
    const below = await harness.addDomain('qa', 'ROOT/eng/qa', eng, 2);
    harness.users.R = await harness.addUser('resource', 'R', eng);
    harness.users.D = await harness.addUser('domainadmin', 'D', eng);
    harness.users.U = await harness.addUser('user', 'U', below);
    harness.users.other = await harness.addUser('other', 'U', root.uuid);
    const log = pino({ level: 'error' }, { write: (line: string) => void harness.logged.push(line) });
    harness.server = createHttpServer({
      db,
      sealer: harness.sealer,
      log,
      temporal: () => undefined,
      temporalUi: 'http://127.0.0.1:8233',
      home: harness.folder,
      kubernetesEnabled: () => true,
      now: () => harness.clock(),
      ...deps,
    });
    await new Promise<void>((resolve) => harness.server.listen(0, '127.0.0.1', resolve));
    return harness;
  }

  /** A fresh SQLite file, or, with `CKS_TEST_MYSQL` (`mysql://user@host:port`), a fresh database on that server. */
  async #databaseUrl(): Promise<string> {
    const server = process.env['CKS_TEST_MYSQL'];
    if (!server) return `sqlite:${join(this.folder, 'cks.db')}`;
    const name = `cks_${randomUUID().replaceAll('-', '')}`;
    const control = connect(`${server}/mysql`);
    await control.raw('CREATE DATABASE ??', [name]);
    this.#drop = async () => {
      await control.raw('DROP DATABASE ??', [name]);
      await control.destroy();
    };
    return `${server}/${name}`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}/client/api`;
  }

  async addDomain(name: string, path: string, parent: string, level: number): Promise<string> {
    const uuid = randomUUID();
    await this.db('domain').insert({ uuid, name, path, parent, level, created: now(this.db) });
    return uuid;
  }

  async addUser(username: string, role: Role, domainId: string): Promise<TestUser> {
    const user: TestUser = {
      userId: randomUUID(),
      accountId: randomUUID(),
      domainId,
      username,
      apiKey: newKey(),
      secretKey: newKey(),
    };
    await this.db('account').insert({
      uuid: user.accountId,
      account_name: username,
      type: ACCOUNT_TYPE[role],
      domain_id: domainId,
      state: 'enabled',
      created: now(this.db),
    });
    await this.db('user').insert({
      uuid: user.userId, username, password: await hashPassword(PASSWORD), account_id: user.accountId, firstname: 'First', lastname: 'Last', email: null,
      api_key: user.apiKey, state: 'enabled', created: now(this.db),
    }); // prettier-ignore
    await writeSecret(this.db, this.sealer, `user/${user.userId}`, 'secretkey', new Secret(user.secretKey));
    return user;
  }

  /** The signed query string of a call. */
  query(command: string, params: Record<string, string> = {}, user = this.users.A): string {
    const sent = new Map(Object.entries({ response: 'json', ...params, command, apiKey: user.apiKey }));
    sent.set('signature', sign(sent, user.secretKey));
    return new URLSearchParams([...sent]).toString();
  }

  call(command: string, params: Record<string, string> = {}, user = this.users.A): Promise<Reply> {
    return this.raw({ path: `/client/api?${this.query(command, params, user)}` });
  }
  post(command: string, params: Record<string, string> = {}, user = this.users.A): Promise<Reply> {
    return this.form(this.query(command, params, user));
  }
  form(body: string | Buffer, headers: Record<string, string> = {}): Promise<Reply> {
    return this.raw({
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  }

  raw({ method = 'GET', path = '/client/api', headers = {}, body }: RawRequest): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port: this.port, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          let parsed: Record<string, unknown> | undefined;
          try {
            parsed = JSON.parse(text) as Record<string, unknown>;
          } catch {
            parsed = undefined;
          }
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: parsed,
            content: parsed && Object.values(parsed)[0],
          });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.db.destroy();
    await this.#drop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
