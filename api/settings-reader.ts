import { readSettings } from '../db/configuration.js';
import type { Db } from '../db/knex.js';
import type { Settings } from '../workflows/model/settings.js';

/** Other API servers' changes are seen this late; this server's own at once. */
const FRESH_MS = 1000;

/** Settings in force, read at most once a second: every request needs some. */
export class SettingsReader {
  readonly #held = new Map<string, { at: number; settings: Promise<Settings> }>();
  constructor(private readonly db: Db) {}
  read(accountId = ''): Promise<Settings> {
    const held = this.#held.get(accountId);
    if (held && performance.now() - held.at < FRESH_MS) return held.settings;
    const settings = readSettings(this.db, accountId || undefined);
    if (this.#held.size > 1000) this.#held.clear();
    this.#held.set(accountId, { at: performance.now(), settings });
    settings.catch(() => this.#held.delete(accountId));
    return settings;
  }
  forget(): void {
    this.#held.clear();
  }
}
