import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
}

/** A web server with one file, which can cut, stall, change, redirect, and forget how to resume. */
export class FileServer {
  readonly asked: Asked[] = [];
  etag: string | undefined = '"one"';
  /** Connections that are cut once they have sent so many bytes. */
  cuts: number[] = [];
  /** Sends so many bytes and then nothing, until `release`. */
  stallAt: number | undefined;
  chunked = false;
  /** Waited for before a connection is cut, with the bytes of the file that have been sent by then. */
  beforeCut: (sent: number) => Promise<void> = () => Promise.resolve();
  #held: ServerResponse[] = [];
  #waiters: (() => void)[] = [];

  private constructor(
    readonly server: Server,
    public content: Buffer,
    private readonly address: string,
  ) {}

  static async start(content: Buffer, address = '127.0.0.1'): Promise<FileServer> {
    const server = createServer();
    const files = new FileServer(server, content, address);
    server.on('request', (request, response) => files.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return files;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  url(path = '/file'): string {
    return `http://${this.address}:${this.port}${path}`;
  }

  /** Once a connection is stalled. */
  stalled(): Promise<void> {
    if (this.#held.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
  release(): void {
    this.stallAt = undefined;
    for (const response of this.#held.splice(0)) response.destroy();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url: path = '', headers } = request;
    this.asked.push({ path, range: headers.range, ifRange: headers['if-range'] as string | undefined });
    const to = /^\/redirect\?(.*)$/.exec(path)?.[1];
    if (to !== undefined) return void response.writeHead(302, { location: decodeURIComponent(to) }).end();
    const status = Number(/^\/status\/(\d+)$/.exec(path)?.[1] ?? 0);
    if (status) return void response.writeHead(status).end('no');
    const wanted = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const resumes = wanted > 0 && this.etag !== undefined && headers['if-range'] === this.etag;
    const from = resumes ? wanted : 0;
    const total = this.content.length;
    if (resumes && from >= total) return void response.writeHead(416, { 'content-range': `bytes */${total}` }).end();
    response.writeHead(resumes ? 206 : 200, {
      ...(this.etag && { etag: this.etag }),
      ...(resumes && { 'content-range': `bytes ${from}-${total - 1}/${total}` }),
      ...(!this.chunked && { 'content-length': String(total - from) }),
    });
    const body = this.content.subarray(from);
    const cut = this.cuts.shift() ?? this.stallAt;
    if (cut === undefined) return void response.end(body);
    response.write(body.subarray(0, cut), () => {
      if (this.stallAt === undefined) return void this.beforeCut(from + cut).then(() => response.destroy());
      this.#held.push(response);
      for (const tell of this.#waiters.splice(0)) tell();
    });
  }

  async stop(): Promise<void> {
    this.release();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
