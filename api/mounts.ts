import type { Application, Request } from 'express';
import type { Caller } from './command.js';
import { mountOperationEvents } from './operation-events.js';
import { mountPage } from './page.js';
import { mountUploads } from './upload.js';
import type { Services } from './services.js';
import { callerBySession, callerBySignature } from './wire/authenticate.js';
import { readCookies } from './wire/cookies.js';
import { readParameters } from './wire/request.js';

/** Adds routes beside `/client/api`: the event stream of an operation, the web page. */
export type Mount = (app: Application, services: Services) => void;

/** Who calls a route beside the API, by the same credentials; throws a `WireError` 401 when nobody is known. */
export async function callerOfRequest(services: Services, request: Request): Promise<Caller> {
  const { sent, problem } = await readParameters(request);
  if (problem) throw problem;
  const credentials = { sent, cookies: readCookies(request.headers.cookie), method: request.method };
  return (await callerBySession(services, credentials)) ?? callerBySignature(services, credentials);
}

export const MOUNTS: readonly Mount[] = [mountOperationEvents, mountUploads, mountPage];
