import { createHmac } from 'node:crypto';

export interface Credentials {
  endpoint: string;
  apikey: string;
  secretkey: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

const encode = (value: string) =>
  encodeURIComponent(value).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature of a request's parameters as CloudStack wants it: sorted, encoded, in lower case, HMAC-SHA1, base64. */
export function sign(parameters: Record<string, string>, secretKey: string): string {
  const text = Object.keys(parameters).sort().map((name) => `${name}=${encode(parameters[name] ?? '')}`).join('&').toLowerCase(); // prettier-ignore
  return createHmac('sha1', secretKey).update(text).digest('base64');
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers differ per command and are read field by field
export type Answer = Record<string, any>;

/** A small client of our own API: one signed call, the inside of its envelope as the answer. */
export class ApiClient {
  constructor(private readonly credentials: Credentials) {}

  async call(command: string, parameters: Record<string, string> = {}): Promise<Answer> {
    const all: Record<string, string> = {
      ...parameters,
      command,
      response: 'json',
      apiKey: this.credentials.apikey,
      signatureVersion: '3',
      expires: new Date(Date.now() + 600_000).toISOString().replace(/\.\d+Z$/, '+0000'),
    };
    const body = new URLSearchParams({ ...all, signature: sign(all, this.credentials.secretkey) });
    const answer = await fetch(this.credentials.endpoint, {
      method: 'POST',
      body,
      signal: AbortSignal.timeout(30_000),
    });
    const envelope = (await answer.json()) as Record<string, Answer>;
    const inside = Object.values(envelope)[0] ?? {};
    if (!answer.ok || 'errorcode' in inside)
      throw new ApiError(answer.status, String(inside.errortext ?? `HTTP status ${answer.status}`));
    return inside;
  }
}
