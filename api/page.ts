import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Application, Request, Response } from 'express';
import { projectRoot } from '../db/project-root.js';

/** Only files of our own run, and text never becomes markup: the page builds its elements one by one. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** The whole page: nothing else below `ui/` is served. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['ui/index.html', 'text/html; charset=UTF-8'],
  '/ui/style.css': ['ui/style.css', 'text/css; charset=UTF-8'],
  '/ui/icon.svg': ['ui/icon.svg', 'image/svg+xml'],
  '/ui/main.js': ['dist/ui/main.js', 'text/javascript; charset=UTF-8'],
};

async function serveFile(request: Request, response: Response, file: string, type: string): Promise<void> {
  const content = await readFile(join(projectRoot(), file)).catch(() => undefined);
  if (!content) {
    response.status(503).type('text/plain').send(`${file} is missing: run npm run build`);
    return;
  }
  const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  response.set({
    'Content-Type': type,
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cache-Control': 'no-cache',
    ETag: tag,
  });
  if (request.headers['if-none-match'] === tag) response.status(304).end();
  else response.send(content);
}

/** The web page at `/`. */
export function mountPage(app: Application): void {
  for (const [path, [file, type]] of Object.entries(FILES)) {
    app.get(path, (request, response) => serveFile(request, response, file, type));
  }
  app.get('/client', (_request, response) => response.redirect(302, '/'));
}
