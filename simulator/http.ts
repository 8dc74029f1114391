import type { IncomingMessage, ServerResponse } from 'node:http';

const MAX_BODY = 32 << 20;

export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function send(
  response: ServerResponse,
  status: number,
  content: string | Buffer,
  type = 'application/json',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(content) }).end(content);
}

export function sendJson(response: ServerResponse, status: number, body: unknown, indent?: number): void {
  send(response, status, `${JSON.stringify(body, null, indent)}\n`);
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) throw new HttpError(413, 'the request is too large');
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString('utf8');
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch {
    throw new HttpError(400, 'the request body is not JSON');
  }
}
