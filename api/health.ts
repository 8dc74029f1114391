import type { RequestHandler } from 'express';
import type { Client } from '@temporalio/client';
import type { Services } from './services.js';

const LIMIT_MS = 3000;

const within = <T>(promise: Promise<T>): Promise<T> =>
  Promise.race([
    promise,
    new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error(`no answer within ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref(),
    ),
  ]);

/** The process is up. */
export const health: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' });
};

async function look(check: () => Promise<unknown>): Promise<string> {
  try {
    await within(check());
    return 'ok';
  } catch (error) {
    // One line without addresses or credentials: drivers put both into their messages.
    return String(
      (error as { code?: string | number }).code ?? (error instanceof Error ? error.message : 'failed'),
    ).slice(0, 100);
  }
}

const asksTemporal = (client: Client | undefined) => (): Promise<unknown> =>
  client
    ? client.withDeadline(Date.now() + LIMIT_MS, () => client.workflowService.getSystemInfo({}))
    : Promise.reject(new Error('not connected'));

/** 200 when database and Temporal answer, else 503 and which does not. */
export const readiness =
  (services: Services): RequestHandler =>
  async (_request, response) => {
    const [database, temporal] = await Promise.all([
      look(async () => {
        await services.db('configuration').select('id').limit(1);
        if (!services.registry()) throw new Error('starting');
      }),
      look(asksTemporal(services.temporal())),
    ]);
    const ready = database === 'ok' && temporal === 'ok';
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'not ready', database, temporal });
  };
