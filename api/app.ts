import express, { type ErrorRequestHandler } from 'express';
import { COMMANDS } from './commands/index.js';
import { health, readiness } from './health.js';
import { MOUNTS } from './mounts.js';
import { openApi } from './openapi.js';
import { createServices, type Deps } from './services.js';
import { send, serve } from './wire/endpoint.js';
import { errorContent, write } from './wire/envelope.js';

export type { Deps } from './services.js';

/** The Express app; it listens to nothing. */
export function createApp(deps: Deps): express.Application {
  const services = createServices(deps, COMMANDS);
  const app = express();
  app.disable('x-powered-by').disable('etag');
  // Express must not turn names like `name[0].x` into structures: `api/wire` reads the query string itself.
  app.set('query parser', false);
  app.all('/client/api', (request, response) => serve(services, request, response));
  app.get('/healthz', health);
  app.get('/readyz', readiness(services));
  app.get('/openapi.json', (_request, response) => {
    const registry = services.registry();
    if (registry) response.json(openApi(registry));
    else response.status(503).json({ error: 'the database does not answer yet' });
  });
  for (const mount of MOUNTS) mount(app, services);
  const refuse = (status: number, errortext: string) =>
    write('errorresponse', errorContent({ status, cs: 9999, text: errortext }), 'json');
  app.use((request, response) => {
    const { type, body } = refuse(404, `There is nothing at ${request.path.slice(0, 200)}; the API is at /client/api`);
    send(response, 404, type, body);
  });
  const broken: ErrorRequestHandler = (error: Error & { status?: number }, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error.status && error.status < 500 ? error.status : 530;
    if (status === 530)
      deps.log.error({ err: error, path: request.path }, 'unexpected error while answering a request');
    const { type, body } = refuse(status, status === 530 ? 'Internal error' : error.message);
    send(response, status, type, body);
  };
  app.use(broken);
  return app;
}
