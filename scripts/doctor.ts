import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pino from 'pino';
import { driversFor } from '../activities/drivers.js';
import { checksOf, examine, type Answer } from '../activities/doctor/index.js';
import { readWorkerEnvironment } from '../activities/environment.js';
import { openImageStore } from '../activities/images/open-store.js';
import { KubernetesClients } from '../activities/kubernetes/clients.js';
import { historyConverter } from '../db/history-codec.js';
import { assertKey } from '../db/key-check.js';
import { connect } from '../db/knex.js';
import { assertMigrated } from '../db/migrate.js';
import { projectRoot } from '../db/project-root.js';
import { countKeys } from '../db/rotate-key.js';
import { Sealer } from '../db/secret.js';
import { connectTemporal } from '../workflows/client.js';

const USAGE = `usage: npm run doctor -- [--fix] [--json]
Looks at the database, the key, Temporal, jobs, hosts, addresses, gateways and certificates, and says what disagrees.
  --fix   puts right what can be without a loss
  --json  one JSON document: {"findings": [{"check", "what", "todo", "fix"}]}
Ends with 0 when nothing is left, 1 when something is, 2 when it could not look.
`;

/** The database and the key come first: without them nothing else can be told. */
async function main(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const unknown = args.find((arg) => !['--fix', '--json'].includes(arg));
  if (unknown !== undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const worker = readWorkerEnvironment(env);
  const db = connect(worker.databaseUrl);
  const log = pino({ level: 'silent' });
  const sealer = new Sealer(worker.encryptionKey);
  try {
    await assertMigrated(db);
    await assertKey(db, sealer);
    const temporal = await connectTemporal(env, historyConverter(env, worker.encryptionKey));
    const drivers = driversFor({ db, sealer });
    const images = openImageStore(db, worker);
    try {
      const deps = {
        db,
        sealer,
        ...drivers,
        kubernetes: new KubernetesClients(db, sealer),
        images,
        fetchImage: images.fetch.bind(images),
        temporal,
        log,
        cksNode: await readFile(path.join(projectRoot(), 'guest/cks-node')),
        pollMs: worker.pollMs,
      };
      const answers = [
        ...(await strangeKeys()),
        ...(await examine(deps, checksOf(worker.home), args.includes('--fix'))),
      ];
      process.stdout.write(args.includes('--json') ? `${JSON.stringify({ findings: answers }, null, 2)}\n` : asText(answers)); // prettier-ignore
      return answers.every(({ fix }) => fix === 'fixed') ? 0 : 1;
    } finally {
      await drivers.close();
      await temporal.connection.close();
    }
  } finally {
    await db.destroy();
  }

  async function strangeKeys(): Promise<Answer[]> {
    const others = [...(await countKeys(db))].filter(([id]) => id !== sealer.keyId);
    return others.map(([id, count]) => ({
      check: 'encryption key',
      what: `${count} secrets are sealed under key ${id}, and the key of this service is ${sealer.keyId}`,
      todo: 'a process with the old key went on during rotate-key: end it, then run rotate-key again with both keys',
      fix: 'by hand',
    }));
  }
}

function asText(answers: readonly Answer[]): string {
  if (answers.length === 0) return 'nothing disagrees\n';
  const lines = answers.map(({ check, what, todo, fix }) => `${check}: ${what}\n    ${fix === 'fixed' ? 'fixed' : fix.startsWith('failed') ? `${fix}; ${todo}` : todo}`); // prettier-ignore
  const left = answers.filter(({ fix }) => fix !== 'fixed');
  return `${lines.join('\n')}\n${answers.length} found, ${answers.length - left.length} fixed\n`;
}

main(process.argv.slice(2), process.env).then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`doctor: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  },
);
