import type { Knex } from 'knex';
import {
  DEFAULT_SETTINGS,
  isSettingName,
  parseSetting,
  type SettingName,
  type Settings,
} from '../workflows/model/settings.js';
import { transact, type Db } from './knex.js';
import { writeEvent } from './write-event.js';

/** Scope of a value that holds for everyone; other scopes are account uuids. */
export const GLOBAL_SCOPE = 'global';

interface ConfigurationRow {
  name: string;
  scope: string;
  value: string;
}

/** Stored values by setting, a scope's own over the global ones. Values that no longer parse count as not stored. */
export async function readStored(db: Db, scope?: string): Promise<Map<SettingName, string>> {
  const rows = await db<ConfigurationRow>('configuration').whereIn(
    'scope',
    scope === undefined ? [GLOBAL_SCOPE] : [GLOBAL_SCOPE, scope],
  );
  rows.sort((a, b) => Number(a.scope !== GLOBAL_SCOPE) - Number(b.scope !== GLOBAL_SCOPE));
  return new Map(
    rows.flatMap(({ name, value }): [SettingName, string][] => (isSettingName(name) ? [[name, value]] : [])),
  );
}

/** Every setting in force, frozen: stored values over the defaults. */
export async function readSettings(db: Db, accountId?: string): Promise<Settings> {
  const settings: Record<string, string | number | boolean> = { ...DEFAULT_SETTINGS };
  for (const [name, text] of await readStored(db, accountId)) {
    const parsed = parseSetting(name, text);
    if ('value' in parsed) settings[name] = parsed.value;
  }
  return Object.freeze(settings) as Settings;
}

/** Stores a value that `parseSetting` has accepted. */
export const writeSetting = (db: Db, name: SettingName, value: string, scope = GLOBAL_SCOPE): Promise<unknown> =>
  Promise.resolve(db('configuration').insert({ name, scope, value }).onConflict(['name', 'scope']).merge({ value }));

export async function changeSetting(
  db: Knex,
  change: { name: SettingName; value: string; scope?: string; userId: string; accountId: string; domainId: string },
): Promise<void> {
  await transact(db, async (trx) => {
    await writeSetting(trx, change.name, change.value, change.scope);
    await writeEvent(trx, {
      type: 'CONFIGURATION.VALUE.EDIT',
      state: 'Completed',
      description: `Successfully completed updating configuration: ${change.name}, new value: ${change.value}`,
      user_id: change.userId,
      account_id: change.accountId,
      domain_id: change.domainId,
    });
  });
}
