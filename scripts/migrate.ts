import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from '../db/knex.js';
import { ensureKeyFile, readEncryptionKey } from '../db/encryption-key.js';
import { seedDefaults } from '../db/defaults.js';
import { migrate } from '../db/migrate.js';
import { Sealer } from '../db/secret.js';

/**
 * First-start acts, idempotent: schema, key, admin, the simulated zone where it is wanted, and the files that clients read. Safe to kill at any
 * moment and to run again.
 */
async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const home = path.resolve(env['CKS_HOME'] ?? '.cks');
  const simulator = wantsSimulator(env);
  // SQLite makes its file, and the log and index beside it, as open as the mask lets it.
  process.umask(0o077);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  ensureKeyFile(env, home);
  const sealer = new Sealer(readEncryptionKey(env, home));
  const db = connect(env['DATABASE_URL'] ?? `sqlite:${path.join(home, 'cks.db')}`);
  try {
    await migrate(db);
    const port = env['PORT'] ?? '8080';
    const { apiKey, secretKey, password } = await seedDefaults(db, sealer, {
      ...(simulator && { simulatorPort: Number(env['SIMULATOR_PORT'] ?? '8090') }),
      endpointUrl: `http://127.80.0.1:${port}/client/api`,
    });
    const endpoint = `http://127.0.0.1:${port}/client/api`;
    const secretkey = secretKey.reveal();
    const write = (name: string, text: string) => {
      const draft = path.join(home, `.${name}.${process.pid}`);
      writeFileSync(draft, text, { mode: 0o600 });
      renameSync(draft, path.join(home, name));
    };
    const temporalui = `http://127.0.0.1:${env['TEMPORAL_UI_PORT'] ?? '8233'}`;
    write(
      'admin.json',
      `${JSON.stringify({ endpoint, apikey: apiKey, secretkey, username: 'admin', password: password.reveal(), temporalui }, null, 2)}\n`,
    );
    write(
      'cloudstack.ini',
      `[cloudstack]\nendpoint = ${endpoint}\nkey = ${apiKey}\nsecret = ${secretkey}\ntimeout = 60\njob_timeout = 3600\n`,
    );
    write(
      'cmk.ini',
      `asyncblock   = true\ntimeout      = 3600\noutput       = json\nverifycert   = false\nprofile      = local\nautocomplete = false\n\n[local]\nurl       = ${endpoint}\napikey    = ${apiKey}\nsecretkey = ${secretkey}\nusername  =\npassword  =\ndomain    = /\n`,
    );
  } finally {
    await db.destroy();
  }
}

/** Whoever brings a MySQL has hosts too, unless he asks for the simulated zone. */
function wantsSimulator(env: NodeJS.ProcessEnv): boolean {
  const given = env['SIMULATOR'] || (env['DATABASE_URL']?.startsWith('mysql:') ? '0' : '1');
  if (given !== '0' && given !== '1') throw new Error(`SIMULATOR must be 0 or 1, found "${given}"`);
  return given === '1';
}

main(process.env).catch((error: unknown) => {
  process.stderr.write(`migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
