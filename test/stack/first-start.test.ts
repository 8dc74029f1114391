import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HITTABLE, Stack } from './stack.js';

const KILLS = 40;

describe('the first start is killed', () => {
  it('at 40 moments on an empty folder: in the end everything is there once, and both ways to log in work', async () => {
    const stack = await Stack.prepare({ profile: HITTABLE });
    try {
      const took = async () => {
        const began = Date.now();
        expect(await stack.migrate()).toBe(0);
        return Date.now() - began;
      };
      const first = await took();
      const again = await took();
      stack.reset();

      let killed = 0;
      for (let i = 0; i < KILLS; i++) {
        // Every second one on an empty folder, the others on what the kill before left; half of them late, when there is more to break.
        if (i % 2 === 0) stack.reset();
        const moment = i % 4 < 2 ? Math.random() : 0.6 + Math.random() * 0.4;
        if ((await stack.migrate((i % 2 === 0 ? first : again) * moment)) === 'SIGKILL') killed++;
      }
      expect(killed).toBeGreaterThan(KILLS / 2);
      expect(await stack.migrate()).toBe(0);
      const admin = JSON.stringify(stack.admin);

      const count = (table: string, where = '1 = 1') =>
        stack.row<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).n;
      const once = (table: string, column: string) =>
        expect(stack.rows(`SELECT ${column} FROM ${table} GROUP BY ${column} HAVING count(*) > 1`)).toEqual([]);
      expect(stack.rows<{ name: string }>('SELECT name FROM data_center')).toEqual([{ name: 'sim-1' }]);
      for (const table of ['domain', 'account', 'user', 'network_offerings'])
        expect({ table, rows: count(table) }).toEqual({ table, rows: 1 });
      expect(
        stack.rows<{ name: string }>('SELECT name FROM service_offering ORDER BY id').map(({ name }) => name),
      ).toEqual(['small', 'medium', 'large']);
      expect(count('host')).toBeGreaterThanOrEqual(2);
      expect(count('kubernetes_supported_version')).toBeGreaterThanOrEqual(4);
      expect(count('vm_template', `kind = 'TEMPLATE'`)).toBe(1);
      for (const [table, column] of [['host', 'name'], ['kubernetes_supported_version', 'semantic_version'], ['user_ip_address', 'public_ip_address'], ['vm_template', 'name'], ['secret', `owner || ' ' || name`], ['configuration', 'name']] as const) once(table, column); // prettier-ignore
      expect(stack.rows(`SELECT * FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'`)).toHaveLength(
        1,
      );
      expect(stack.row<{ integrity_check: string }>('PRAGMA integrity_check').integrity_check).toBe('ok');

      // What clients read is whole, private, and of one and the same admin; a draft that a kill left is no third place for a key.
      const { endpoint, apikey, secretkey, username, password } = stack.admin;
      expect([endpoint, apikey, secretkey, username, password].map((text) => text.length > 4)).toEqual([
        true,
        true,
        true,
        true,
        true,
      ]);
      for (const name of ['admin.json', 'cmk.ini', 'cloudstack.ini']) expect(stack.file(name)).toContain(secretkey);
      for (const name of readdirSync(stack.home).filter((entry) => statSync(join(stack.home, entry)).isFile()))
        expect({ name, mode: (statSync(join(stack.home, name)).mode & 0o077).toString(8) }).toEqual({
          name,
          mode: '0',
        });

      // Again changes nothing.
      expect(await stack.migrate()).toBe(0);
      expect(JSON.stringify(JSON.parse(stack.file('admin.json')))).toBe(admin);

      stack.simulator.start();
      stack.temporal.start();
      stack.api.start();
      await stack.temporalUp();
      await stack.ready();
      expect(((await stack.call('listZones'))['zone'] as unknown[]).length).toBe(1);
      const login = await fetch(endpoint, {
        method: 'POST',
        body: new URLSearchParams({ command: 'login', username, password, domain: '/', response: 'json' }),
      });
      expect(login.status).toBe(200);
      expect(((await login.json()) as { loginresponse: { username: string } }).loginresponse.username).toBe('admin');
      const wrong = await fetch(endpoint, {
        method: 'POST',
        body: new URLSearchParams({
          command: 'login',
          username,
          password: `${password}x`,
          domain: '/',
          response: 'json',
        }),
      });
      expect(wrong.status).toBe(531);
    } catch (error) {
      stack.failed = true;
      if (error instanceof Error) error.message += `\n[state folder and logs: ${stack.home}]`;
      throw error;
    } finally {
      await stack.stop();
    }
  }, 120_000);
});
