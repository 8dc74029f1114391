import { randomUUID } from 'node:crypto';
import { mustReadCluster } from '../../db/clusters.js';
import { addNetwork } from '../../db/create-cluster.js';
import { DEFAULT_ZONE, seedDefaults } from '../../db/defaults.js';
import { connect, transact } from '../../db/knex.js';
import { migrate } from '../../db/migrate.js';
import { claimOperation, queueOperation } from '../../db/operations.js';
import { rotateKey } from '../../db/rotate-key.js';
import type { NetworkOfferingRow, ZoneRow } from '../../db/rows.js';
import { Sealer, Secret } from '../../db/secret.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import type { ChildTask } from './engines.js';
import { reserveAll } from './world.js';

/** One process among several that do the same thing at the same moment: does its task and prints what came of it as JSON. */
const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const db = connect(task.url);
const many = <T>(times: number, act: () => Promise<T>) => Promise.all(Array.from({ length: times }, act));
const failure = (error: unknown) => ({
  failed:
    error instanceof Error ? `${String((error as { code?: string }).code ?? '')} ${error.message}` : String(error),
});

async function perform(): Promise<unknown> {
  switch (task.do) {
    case 'migrate':
      return migrate(db);
    case 'seed': {
      const { password, apiKey } = await seedDefaults(db, new Sealer(new Secret(task.key)), { simulatorPort: 18090 });
      return { password: password.reveal(), apiKey };
    }
    case 'queue': {
      const cluster = await mustReadCluster(db, task.clusterId);
      const caller = { accountId: cluster.account_id, userId: 'someone' };
      return many(task.times, () =>
        transact(db, (trx) =>
          queueOperation(trx, {
            kind: 'create',
            cluster,
            caller,
            settings: DEFAULT_SETTINGS,
            command: 'createKubernetesCluster',
          }),
        ).catch(failure),
      );
    }
    case 'claim':
      return many(task.times, () => claimOperation(db, task.operationId, randomUUID()).catch(failure));
    case 'reserve':
      return reserveAll(db, task.clusterId).catch(failure);
    case 'rotate': {
      const [from, to] = task.keys.map((key) => new Sealer(new Secret(key))) as [Sealer, Sealer];
      return rotateKey(db, from, to, (done) => done >= task.dieAt && process.kill(process.pid, 'SIGKILL'));
    }
    case 'network': {
      const zone = (await db<ZoneRow>('data_center').where({ uuid: DEFAULT_ZONE }).first())!;
      const offering = (await db<NetworkOfferingRow>('network_offerings').first())!;
      const owner = { accountId: 'a', domainId: 'd', accountName: 'admin' };
      return many(task.times, () => transact(db, (trx) => addNetwork(trx, zone, offering, 'n', owner)).catch(failure));
    }
  }
}

await new Promise((resolve) => setTimeout(resolve, task.at - Date.now()));
const result = await perform().catch(failure);
process.stdout.write(JSON.stringify(result ?? null));
await db.destroy();
