import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from './stack.js';

const KILLS = 40;

describe('the first start is killed', () => {
  it('at 40 moments on an empty folder: in the end everything is there once, and both ways to log in work', async () => {
    const stack = await Stack.prepare({ profile: 'instant' });
    try {
      // How long a whole run takes, on an empty folder and again; measured anew whenever a kill comes too late.
      const whole = { empty: 500, again: 500 };
      for (let killed = 0, runs = 0; killed < KILLS; runs++) {
        expect(runs).toBeLessThan(4 * KILLS);
        // Every second one on an empty folder, the others on what the kill before left; half of them late, when there is more to break.
        const on = runs % 2 === 0 ? 'empty' : 'again';
        if (on === 'empty') stack.reset();
        const began = Date.now();
        const how = await stack.migrate(whole[on] * (runs % 4 < 2 ? Math.random() : 0.6 + Math.random() * 0.4));
        if (how === 'SIGKILL') killed++;
        else {
          expect(how).toBe(0);
          whole[on] = Date.now() - began;
        }
      }
      expect(await stack.migrate()).toBe(0);
      const admin = JSON.stringify(stack.admin);

      const count = (table: string, where = '1 = 1') =>
        stack.row<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).n;
      const once = (table: string, column: string) =>
        expect(stack.rows(`SELECT ${column} FROM ${table} GROUP BY ${column} HAVING count(*) > 1`)).toEqual([]);
      expect(stack.rows<{ name: string }>('SELECT name FROM data_center')).toEqual([{ name: 'sim-1' }]);
      for (const table of ['domain', 'account', 'user'])
        expect({ table, rows: count(table) }).toEqual({ table, rows: 1 });
      const offerings = stack.rows<{ name: string }>('SELECT name FROM network_offerings');
      expect(new Set(offerings.map(({ name }) => name)).size).toBe(offerings.length);
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
