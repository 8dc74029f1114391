import { request as http, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as https } from 'node:https';
import type { LookupFunction } from 'node:net';
import { fault, textOf } from '../../workflows/model/fault.js';
import { urlProblem } from '../../workflows/model/image.js';
import { allowedAddresses, type Address, type AddressRules } from './addresses.js';

const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface GetOptions {
  headers: Record<string, string>;
  rules: AddressRules;
  /** Milliseconds without a byte after which the connection counts as dead. */
  stallMs: number;
  signal: AbortSignal;
}

/** Answers every look-up with the addresses that were checked: a name that resolves differently a moment later changes nothing. */
const pinned =
  (addresses: Address[]): LookupFunction =>
  (_host, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, addresses);
    else callback(null, first!.address, first!.family);
  };

function getOnce(url: URL, addresses: Address[], { headers, stallMs, signal }: GetOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { headers, signal, agent: false, lookup: pinned(addresses) };
    const sent = (url.protocol === 'https:' ? https : http)(url, options, resolve);
    sent.setTimeout(stallMs, () =>
      sent.destroy(new Error(`${url.host} has sent nothing for ${Math.round(stallMs / 1000)} s`)),
    );
    sent.once('error', reject);
    sent.end();
  });
}

/**
 * The answer to a GET, redirects followed, each checked like the first URL. Its body has to be read or destroyed.
 * A connection that fails is `DownloadFailed`.
 */
export async function get(from: string, options: GetOptions): Promise<IncomingMessage> {
  let url = new URL(from);
  for (let hop = 0; ; hop++) {
    const addresses = await allowedAddresses(url, options.rules);
    const answer = await getOnce(url, addresses, options).catch((error: unknown) => {
      if (options.signal.aborted) throw error;
      throw fault('DownloadFailed', `cannot fetch ${url.origin}${url.pathname}: ${textOf(error)}`);
    });
    const to = answer.headers.location;
    if (!REDIRECTS.has(answer.statusCode ?? 0) || to === undefined) return answer;
    answer.destroy();
    const at = `${url.origin}${url.pathname}`;
    if (hop === MOST_REDIRECTS) throw fault('DownloadRefused', `${from} redirects more than ${MOST_REDIRECTS} times`);
    if (!URL.canParse(to, url.href)) throw fault('DownloadRefused', `${at} redirects to "${to.slice(0, 200)}", which is no URL`); // prettier-ignore
    const next = new URL(to, url.href);
    const problem = urlProblem(next.href);
    if (problem !== undefined) throw fault('DownloadRefused', `${at} redirects elsewhere: ${problem}`);
    if (url.protocol === 'https:' && next.protocol === 'http:')
      throw fault('DownloadRefused', `${at} redirects from https to http: ${next.origin}`);
    url = next;
  }
}
