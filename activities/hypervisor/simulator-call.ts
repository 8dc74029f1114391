import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ApplicationFailure } from '@temporalio/common';
import { textOf, fault } from '../../workflows/model/fault.js';
import type { FaultCode } from '../../workflows/model/faults.js';

export type Signal = () => AbortSignal | undefined;

/** Which faults stand for a failure that may pass and for one that will not. */
interface Codes {
  failed: FaultCode;
  refused: FaultCode;
}

/**
 * Calls one action of the simulated zone at `simulator://ADDRESS:PORT/NAME`. There is no limit of its own: the activity's limit
 * reaches it as `signal`.
 */
export function simulatorCall(url: string, part: 'hosts' | 'gateways', codes: Codes, signal?: Signal) {
  const { protocol, host, pathname } = new URL(url);
  const name = pathname.slice(1);
  if (protocol !== 'simulator:' || host === '' || !/^[\w.-]+$/.test(name))
    throw fault('BadParameter', `${url} is not the URL of something simulated: simulator://ADDRESS:PORT/NAME`);

  return async <T>(action: string, body: object = {}): Promise<T> => {
    const aborting = signal?.();
    let status: number;
    let answer: T | { error?: string; retry?: boolean };
    try {
      const response = await post(`http://${host}/${part}/${name}/${action}`, JSON.stringify(body), aborting);
      status = response.status;
      answer = JSON.parse(response.body) as typeof answer;
    } catch (error) {
      if (aborting?.aborted) throw aborting.reason;
      throw unreachable(name, host, action, error);
    }
    if (status === 200) return answer as T;
    const { error = `status ${status}`, retry } = answer as { error?: string; retry?: boolean };
    throw fault(retry === false ? codes.refused : codes.failed, `simulated ${name}: ${error}`, { host: name, action });
  };
}

/** A connection for each call, whose end is always the call's end: `fetch` was seen to wait for ever when the zone was killed. */
const agent = new Agent({ keepAlive: false });
const post = (url: string, body: string, signal?: AbortSignal) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    request(url, { method: 'POST', agent, headers, signal }, (response) => {
      text(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject);
    })
      .on('error', reject)
      .end(body);
  });

const unreachable = (name: string, address: string, action: string, error: unknown): ApplicationFailure =>
  fault('HostUnreachable', `simulated ${name} at ${address} does not answer (${action}): ${textOf(error)}`, {
    host: name,
    action,
  });
