import { keepSession, readSession } from './session.js';

/** An answer that the page reads field by field; every value is shown as text. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the server said
export type Item = Record<string, any>;
export type Sent = Record<string, string | undefined>;

/** What the API said went wrong, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(text);
  }
}

/** Told when the session is over. */
let signedOut = (): void => undefined;
export const onSignedOut = (tell: () => void): void => void (signedOut = tell);

async function post(sent: Sent, signal?: AbortSignal): Promise<Item> {
  const body = new URLSearchParams({ response: 'json' });
  for (const [name, value] of Object.entries(sent)) if (value !== undefined) body.set(name, value);
  const response = await fetch('/client/api', { method: 'POST', body, signal: signal ?? null }).catch(
    (cause: unknown) => {
      if (signal?.aborted) throw cause;
      throw new ApiError(0, 'The server does not answer. It may be starting again; this page keeps trying.');
    },
  );
  const answer = (await response.json().catch(() => ({}))) as Record<string, Item>;
  const content = Object.values(answer)[0] ?? {};
  if (response.ok) return content;
  throw new ApiError(
    response.status,
    String(content.errortext ?? `The server answered with status ${response.status}.`),
  );
}

/** Calls a command with the session; answers what stands below the outer key. */
export async function call(command: string, parameters: Sent = {}, signal?: AbortSignal): Promise<Item> {
  const session = readSession();
  try {
    return await post({ ...parameters, command, sessionkey: session?.sessionkey ?? '' }, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401 && readSession()?.sessionkey === session?.sessionkey) {
      keepSession(undefined);
      signedOut();
    }
    throw error;
  }
}

export interface Page {
  count: number;
  items: Item[];
}

/** One page of a list; `key` is the list's key in the answer. */
export async function list(command: string, key: string, parameters: Sent = {}, signal?: AbortSignal): Promise<Page> {
  const answer = await call(command, parameters, signal);
  return { count: Number(answer.count ?? 0), items: (answer[key] ?? []) as Item[] };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls an async command. Throws what its job failed with, if it fails at once; what takes longer is seen as an operation. */
export async function start(command: string, parameters: Sent): Promise<Item> {
  const answer = await call(command, parameters);
  for (let tries = 0; answer.jobid !== undefined && tries < 4; tries++) {
    const job = await call('queryAsyncJobResult', { jobid: String(answer.jobid) });
    if (job.jobstatus === 2)
      throw new ApiError(Number(job.jobresultcode), String(job.jobresult?.errortext ?? 'The job failed.'));
    if (job.jobstatus === 1) break;
    await pause(250);
  }
  return answer;
}

export async function signIn(username: string, password: string, domain: string): Promise<void> {
  const { account, type, sessionkey, ...rest } = await post({
    command: 'login',
    username,
    password,
    domain: domain || undefined,
  });
  keepSession({ username: rest.username, account, type, sessionkey });
}

export async function signOut(): Promise<void> {
  await post({ command: 'logout', sessionkey: readSession()?.sessionkey }).catch(() => undefined);
  keepSession(undefined);
  signedOut();
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
