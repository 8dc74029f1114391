import type { IncomingMessage, ServerResponse } from 'node:http';
import { endSession, startSession } from '../../db/sessions.js';
import type { Answer, Caller, Command, Context, SessionControl } from '../command.js';
import { mayAccess } from '../ownership.js';
import { mayCall, type Registry } from '../registry.js';
import type { Services } from '../services.js';
import { callerBySession, callerBySignature, refuseChangingGet, type Credentials } from './authenticate.js';
import { endedCookies, readCookies, SESSION_COOKIE, sessionCookies } from './cookies.js';
import { contentOf, errorContent, responseName, write, type Format } from './envelope.js';
import { answerFor, unauthorized, WireError } from './errors.js';
import { unpack } from './maps.js';
import { readParameters, refuseControlCharacters, type Parameters } from './request.js';
import { headerText } from './text.js';
import { readValues } from './values.js';

/** Who `login` runs as: nobody, who may do nothing. */
const NOBODY: Caller = {
  user: { uuid: '', username: '', firstname: '', lastname: '' },
  account: { uuid: '', account_name: '', type: 0 },
  domain: { uuid: '', name: '', path: '' },
  role: 'U',
};

export const SECURITY_HEADERS: Readonly<Record<string, string | string[]>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-XSS-Protection': '1;mode=block',
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "style-src 'self'",
  ],
  'Cache-Control': 'no-store',
};

export function send(response: ServerResponse, status: number, type: string, body: string): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.statusCode = status;
  response.end(body);
}

interface Exchange {
  services: Services;
  registry: Registry;
  credentials: Credentials;
  problem: WireError | undefined;
  session: SessionControl;
  /** Filled while the request is worked on, for the error answer. */
  command?: Command;
  caller?: Caller;
}

/** Finds caller and command. Unknown commands: 401 when signed, 432 in a session; forbidden ones: 432 (`api.md` §1.3, 1.4). */
async function admit(exchange: Exchange): Promise<void> {
  const { services, registry, credentials } = exchange;
  const name = credentials.sent.get('command');
  exchange.command = registry.find(name);
  if (exchange.command?.open) return;
  const bySession = await callerBySession(services, credentials);
  if (bySession && !name) throw new WireError(400, 9999, 'No command was given');
  if (bySession && !exchange.command)
    throw new WireError(432, 9999, `Unknown API command: ${(name ?? '').slice(0, 255)}`, 'errorresponse');
  if (!bySession && !exchange.command) throw unauthorized(undefined, name === undefined ? 'null' : 'errorresponse');
  exchange.caller = bySession ?? (await callerBySignature(services, credentials));
  const command = exchange.command!;
  if (!mayCall(command, exchange.caller)) {
    const text = `The API [${command.name}] does not exist or is not available for the account for user id [${exchange.caller.user.uuid}].`;
    throw new WireError(432, 9999, text, 'errorresponse');
  }
  await refuseChangingGet(services, command.name, credentials.method);
}

async function execute(exchange: Exchange): Promise<Answer> {
  const { services, registry, credentials, problem } = exchange;
  if (problem) throw problem;
  await admit(exchange);
  const command = exchange.command!;
  const caller = exchange.caller ?? NOBODY;
  refuseControlCharacters(credentials.sent);
  const values = await readValues(services.db, command, caller, unpack(credentials.sent), (account) =>
    mayAccess(services.db, caller, account),
  );
  const context: Context = {
    db: services.db,
    sealer: services.sealer,
    settings: (accountId) => services.settings(accountId),
    settingsChanged: () => services.forgetSettings(),
    temporal: services.temporal(),
    temporalUi: services.temporalUi,
    home: services.home,
    caller,
    log: services.log,
    now: services.now,
    command,
    registry,
    session: exchange.session,
    httpMethod: credentials.method,
  };
  return command.handler(context, values);
}

function sessionControl(
  services: Services,
  cookies: ReadonlyMap<string, string>,
  response: ServerResponse,
  secure: boolean,
): SessionControl {
  return {
    async start(userId) {
      const minutes = (await services.settings())['session.timeout'];
      const old = cookies.get(SESSION_COOKIE);
      if (old) await endSession(services.db, old);
      const { token, sessionkey } = await startSession(services.db, userId, minutes);
      response.setHeader('Set-Cookie', sessionCookies(token, sessionkey, secure));
      return { sessionkey, timeoutSeconds: minutes * 60 };
    },
    async end() {
      const token = cookies.get(SESSION_COOKIE);
      const ended = token !== undefined && (await endSession(services.db, token));
      if (ended) response.setHeader('Set-Cookie', endedCookies(cookies));
      return ended;
    },
  };
}

const formatOf = (sent: ReadonlyMap<string, string>): Format =>
  sent.get('response')?.toLowerCase() === 'json' ? 'json' : 'xml';

/** Answers one request at `/client/api`; never throws. */
export async function serve(services: Services, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const began = performance.now();
  const method = request.method ?? 'GET';
  const parameters = await readParameters(request).catch((): Parameters => ({ sent: new Map() }));
  const { sent } = parameters;
  const cookies = readCookies(request.headers.cookie);
  const secure = request.headers['x-forwarded-proto'] === 'https' || 'encrypted' in request.socket;
  const registry = services.registry();
  const exchange = {
    services,
    registry,
    credentials: { sent, cookies, method },
    problem: parameters.problem,
    session: sessionControl(services, cookies, response, secure),
  } as Exchange;
  let status = 200;
  try {
    if (!['GET', 'POST', 'HEAD'].includes(method))
      throw new WireError(405, 9999, `Method ${method.slice(0, 20)} is not allowed; use GET or POST`, 'errorresponse');
    if (!registry)
      throw new WireError(503, 9999, 'The service is starting: its database does not answer yet', 'errorresponse');
    if (registry.find(sent.get('command'))?.postOnly && method !== 'POST') {
      status = 405;
      return send(response, 405, 'text/plain; charset=UTF-8', `Please use HTTP POST to call ${sent.get('command')}`);
    }
    const answer = await execute(exchange);
    const { type, body } = write(
      responseName(exchange.command!.name),
      contentOf(answer, exchange.command!),
      formatOf(sent),
    );
    send(response, 200, type, body);
  } catch (error) {
    const command = exchange.command ?? registry?.find(sent.get('command'));
    const answer = answerFor(error, command, exchange.caller?.role, services.log);
    status = answer.status;
    const outer = answer.envelope ?? (command ? responseName(command.name) : 'errorresponse');
    const { type, body } = write(outer, errorContent(answer), formatOf(sent));
    response.setHeader('X-Description', headerText(answer.text));
    send(response, status, type, body);
  } finally {
    services.answered?.(exchange.command?.name, status, (performance.now() - began) / 1000);
    services.log.debug(
      {
        command: sent.get('command')?.slice(0, 80),
        account: exchange.caller?.account.account_name,
        status,
        ms: Math.round(performance.now() - began),
      },
      'answered',
    );
  }
}
