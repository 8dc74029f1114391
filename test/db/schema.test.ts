import type { Knex } from 'knex';
import { seedDefaults } from '../../db/defaults.js';
import { assertKey, WrongKey } from '../../db/key-check.js';
import { millis, now, nowPlus } from '../../db/knex.js';
import { migrate, MIGRATIONS, statementsOf } from '../../db/migrate.js';
import { clusters } from '../../db/migrations/0001-clusters.js';
import { Sealer, Secret } from '../../db/secret.js';
import { onEachEngine } from './engines.js';
import { KEY } from './world.js';

const FIRST = Object.keys(clusters.tables).length;
const TABLES = MIGRATIONS.flatMap(({ tables }) => Object.keys(tables));
const NAMES = MIGRATIONS.map(({ name }) => ({ name }));

onEachEngine((engines) => {
  const tablesOf = async (db: Knex): Promise<string[]> => {
    const sql =
      engines.engine === 'mysql'
        ? 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()'
        : `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`;
    const answer = (await db.raw(sql)) as unknown;
    const rows = (engines.engine === 'mysql' ? (answer as unknown[])[0] : answer) as { name: string }[];
    return rows.map(({ name }) => name).sort();
  };
  const wanted = [...TABLES, 'schema_migration'].sort();

  describe('migrate', () => {
    test('makes every table, and a second run changes nothing', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      expect(await tablesOf(db)).toEqual(wanted);
      await migrate(db);
      expect(await tablesOf(db)).toEqual(wanted);
      expect(await db('schema_migration').orderBy('name')).toEqual(NAMES);
      expect(await db('write_lock')).toEqual([{ id: 0 }]);
    });

    test('run by five processes at the same time makes the schema once', async () => {
      const url = await engines.emptyUrl();
      const ends = await engines.together(Array.from({ length: 5 }, () => ({ do: 'migrate' as const, url, at: 0 })));
      expect(ends).toEqual([null, null, null, null, null]);
      const db = engines.open(url);
      expect(await tablesOf(db)).toEqual(wanted);
      expect(await db('schema_migration')).toHaveLength(NAMES.length);
    });

    test.each([1, 5, 12, FIRST - 1, FIRST])(
      'goes on after a run that was killed when it had made %i tables',
      async (made) => {
        const db = engines.open(await engines.emptyUrl());
        for (const [table, text] of Object.entries(clusters.tables).slice(0, made)) {
          for (const statement of statementsOf(engines.engine, table, text)) await db.raw(statement);
        }
        await migrate(db);
        expect(await tablesOf(db)).toEqual(wanted);
        expect(await db('schema_migration')).toHaveLength(NAMES.length);
      },
    );

    test('adds the columns of later releases to what an earlier one made, and goes on after being killed among them', async () => {
      const db = engines.open(await engines.emptyUrl());
      for (const [table, text] of Object.entries(clusters.tables))
        for (const statement of statementsOf(engines.engine, table, text)) await db.raw(statement);
      await db('data_center').insert({ uuid: 'z', name: 'z', networktype: 'Advanced', hypervisor: 'Simulator', allocation_state: 'Enabled', gateway_url: 'g', guest_cidr: 'c', created: now(db) }); // prettier-ignore
      await db.schema.alterTable('host', (table) => void table.string('pool', 191).notNullable().defaultTo('default'));
      await migrate(db);
      for (const { columns = {} } of MIGRATIONS)
        for (const [table, added] of Object.entries(columns))
          for (const column of Object.keys(added))
            expect([table, column, await db.schema.hasColumn(table, column)]).toEqual([table, column, true]);
      expect(await db('data_center').first()).toMatchObject({ uuid: 'z', bridge: null });
    });

    test('goes on after a run that was killed before the indexes of a table', async () => {
      const db = engines.open(await engines.emptyUrl());
      const [first] = statementsOf(engines.engine, 'kubernetes_cluster', clusters.tables.kubernetes_cluster!);
      await db.raw(first!);
      await migrate(db);
      expect(await tablesOf(db)).toEqual(wanted);
    });

    test('adds the indexes of later releases, also after a run that was killed among them', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      const { name, indexes = {} } = MIGRATIONS.find((migration) => migration.indexes)!;
      const wantedOf = (table: string) => indexes[table]!.map((columns) => `${table}_${columns.replace(/\W+/g, '_')}`);
      const indexesOf = async (table: string): Promise<string[]> => {
        const rows: { name: string }[] =
          engines.engine === 'mysql'
            ? await db('information_schema.statistics')
                .where({ table_name: table })
                .whereRaw('table_schema = DATABASE()')
                .select('index_name as name')
            : await db('sqlite_master').where({ type: 'index', tbl_name: table }).select('name');
        return rows.map((row) => row.name);
      };
      const [table, other] = Object.keys(indexes) as [string, string];
      await db.raw(engines.engine === 'mysql' ? 'DROP INDEX ?? ON ??' : 'DROP INDEX ??', [wantedOf(table)[0]!, ...(engines.engine === 'mysql' ? [table] : [])]); // prettier-ignore
      await db('schema_migration').where({ name }).delete();
      await migrate(db);
      for (const each of [table, other]) expect(await indexesOf(each)).toEqual(expect.arrayContaining(wantedOf(each)));
    });

    test('keeps text of any language', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      const value = 'Zürich 東京 🚀';
      await db('configuration').insert({ name: 'n', scope: 'global', value });
      expect(await db('configuration').first('value')).toEqual({ value });
    });
  });

  describe('time', () => {
    test('is the database’s own, in UTC, with milliseconds, in the same form on both engines', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      await db('domain').insert({
        uuid: 'u',
        name: 'n',
        path: 'p',
        level: 0,
        created: now(db),
        removed: nowPlus(db, -90),
      });
      const row = await db('domain').first<{ created: string; removed: string }>();
      expect(row.created).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
      expect(Math.abs(millis(row.created) - Date.now())).toBeLessThan(5000);
      expect(millis(row.created) - millis(row.removed)).toBeGreaterThan(89_000);
      expect(millis(row.created) - millis(row.removed)).toBeLessThan(91_000);
    });

    test('is compared as time', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      await db('domain').insert({ uuid: 'u', name: 'n', path: 'p', level: 0, created: now(db) });
      const before = (seconds: number) => db('domain').where('created', '<', nowPlus(db, seconds));
      expect(await before(60)).toHaveLength(1);
      expect(await before(-60)).toHaveLength(0);
    });
  });

  describe('the defaults of a first start', () => {
    const countAll = async (db: Knex) => {
      const counts: [string, number][] = [];
      for (const table of TABLES) {
        const row = await db(table).count({ total: '*' }).first<{ total: number | string }>();
        counts.push([table, Number(row.total)]);
      }
      return Object.fromEntries(counts);
    };

    test('are made once: a second start adds, changes and forgets nothing', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      const sealer = new Sealer(new Secret(KEY));
      const first = await seedDefaults(db, sealer, {
        simulatorPort: 18090,
        endpointUrl: 'http://192.0.2.1/client/api',
      });
      const counts = await countAll(db);
      const user = await db('user').first<object>();
      await db('configuration').where({ name: 'endpoint.url' }).update({ value: 'http://192.0.2.9/client/api' });
      const second = await seedDefaults(db, sealer, {
        simulatorPort: 18090,
        endpointUrl: 'http://192.0.2.1/client/api',
      });
      expect(await countAll(db)).toEqual(counts);
      expect(await db('user').first<object>()).toEqual(user);
      expect(await db('configuration').where({ name: 'endpoint.url' }).first('value')).toEqual({
        value: 'http://192.0.2.9/client/api',
      });
      expect(second.apiKey).toBe(first.apiKey);
      expect(second.password.reveal()).toBe(first.password.reveal());
      expect(second.secretKey.reveal()).toBe(first.secretKey.reveal());
      expect(counts).toMatchObject({
        account: 1,
        user: 1,
        data_center: 1,
        kubernetes_supported_version: 4,
        service_offering: 3,
      });
    });

    test('follow the simulated zone to another port', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      const sealer = new Sealer(new Secret(KEY));
      await seedDefaults(db, sealer, { simulatorPort: 18090 });
      await seedDefaults(db, sealer, { simulatorPort: 18091 });
      const urls = await db('host').select<{ url: string }[]>('url');
      expect(urls.every(({ url }) => url.startsWith('simulator://127.0.0.1:18091/'))).toBe(true);
    });

    test('made by three processes at the same time are one set, known to all three', async () => {
      const url = await engines.emptyUrl();
      const db = engines.open(url);
      await migrate(db);
      const task = { do: 'seed' as const, url, at: 0, key: KEY };
      const [a, b, c] = await engines.together<object>([task, task, task]);
      expect(a).not.toHaveProperty('failed');
      expect(b).toEqual(a);
      expect(c).toEqual(a);
      expect(await db('user')).toHaveLength(1);
    });

    test('refuse a start with another key, and name both keys', async () => {
      const db = engines.open(await engines.emptyUrl());
      await migrate(db);
      await seedDefaults(db, new Sealer(new Secret(KEY)), {});
      const other = new Sealer(new Secret('another key, just as long as the first'));
      await expect(seedDefaults(db, other, {})).rejects.toThrow(
        /sealed under key [0-9a-f]{8}, but CKS_ENCRYPTION_KEY is key [0-9a-f]{8}/,
      );
      await assertKey(db, new Sealer(new Secret(KEY)));
      await expect(assertKey(db, other)).rejects.toThrow(WrongKey);
      await db('secret').where({ owner: 'service', name: 'check' }).delete();
      const unset = await assertKey(db, other).catch((error: unknown) => error);
      expect(unset).not.toBeInstanceOf(WrongKey);
      expect((unset as Error).message).toBe('the database is not set up yet: `npm run migrate` does it');
    });
  });
});
