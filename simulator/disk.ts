import { chmodSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Statement {
  run(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}
interface Database {
  pragma(text: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  transaction<T>(act: () => T): () => T;
  close(): void;
}
const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => Database;

/** Objects of one kind: read from memory, written through to the file. */
export class Shelf<T> {
  private readonly items: Map<string, T>;
  private readonly groups = new Map<string, Map<string, T>>();

  /** `groupOf`: what objects are looked up by besides their key, such as a domain's host. */
  constructor(
    private readonly disk: Disk,
    private readonly kind: string,
    private readonly groupOf: (item: T) => string | undefined = () => undefined,
  ) {
    this.items = disk.read<T>(kind);
    for (const [key, item] of this.items) this.group(key, item);
  }

  get(key: string): T | undefined {
    return this.items.get(key);
  }

  has(key: string): boolean {
    return this.items.has(key);
  }

  put(key: string, item: T): void {
    this.disk.write(this.kind, key, item);
    this.ungroup(key);
    this.items.set(key, item);
    this.group(key, item);
  }

  delete(key: string): boolean {
    this.ungroup(key);
    if (!this.items.delete(key)) return false;
    this.disk.erase(this.kind, key);
    return true;
  }

  /** The objects of one group, by key. */
  in(group: string): ReadonlyMap<string, T> {
    return this.groups.get(group) ?? new Map<string, T>();
  }

  keys(): string[] {
    return [...this.items.keys()];
  }

  values(): T[] {
    return [...this.items.values()];
  }

  private group(key: string, item: T): void {
    const name = this.groupOf(item);
    if (name === undefined) return;
    const group = this.groups.get(name) ?? new Map<string, T>();
    this.groups.set(name, group.set(key, item));
  }

  private ungroup(key: string): void {
    const item = this.items.get(key);
    const name = item && this.groupOf(item);
    if (name === undefined) return;
    const group = this.groups.get(name);
    group?.delete(key);
    if (group?.size === 0) this.groups.delete(name);
  }
}

/**
 * The state file of the simulated zone: what is written here was there before the reply to it was sent, and outlives a kill.
 * It stands for a data centre's disks, so it holds what they would hold (seeds, certificate authorities) and is private.
 */
export class Disk {
  private readonly db: Database;
  private readonly upsert: Statement;
  private readonly remove: Statement;
  private readonly append: Statement;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const path = join(folder, 'zone.sqlite');
    const mask = process.umask(0o077);
    try {
      this.db = new Sqlite(path);
      this.db.pragma('locking_mode = EXCLUSIVE');
      this.db.pragma('journal_mode = WAL');
      this.db.pragma('synchronous = NORMAL');
      this.db
        .exec(`CREATE TABLE IF NOT EXISTS object (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS effect (id INTEGER PRIMARY KEY, body TEXT)`);
    } catch (error) {
      const busy = error instanceof Error && /locked|busy/.test(error.message);
      throw busy ? new Error(`another simulator is using ${path}`, { cause: error }) : error;
    } finally {
      process.umask(mask);
    }
    chmodSync(path, 0o600);
    this.upsert = this.db.prepare('INSERT OR REPLACE INTO object (kind, key, body) VALUES (?, ?, ?)');
    this.remove = this.db.prepare('DELETE FROM object WHERE kind = ? AND key = ?');
    this.append = this.db.prepare('INSERT INTO effect (body) VALUES (?)');
  }

  read<T>(kind: string): Map<string, T> {
    const rows = this.db.prepare('SELECT key, body FROM object WHERE kind = ?').all(kind) as {
      key: string;
      body: string;
    }[];
    return new Map(rows.map(({ key, body }) => [key, JSON.parse(body) as T]));
  }

  write(kind: string, key: string, item: unknown): void {
    this.upsert.run(kind, key, JSON.stringify(item));
  }

  erase(kind: string, key: string): void {
    this.remove.run(kind, key);
  }

  /** Everything that `act` writes is on the disk, or nothing of it. */
  commit<T>(act: () => T): T {
    return this.db.transaction(act)();
  }

  addEffect(effect: unknown): void {
    this.append.run(JSON.stringify(effect));
  }

  /** All effect records as one JSON array, oldest first. */
  effects(): string {
    const rows = this.db.prepare('SELECT body FROM effect ORDER BY id').all() as { body: string }[];
    return `[${rows.map((row) => row.body).join(',\n')}]\n`;
  }

  close(): void {
    this.db.close();
  }
}
