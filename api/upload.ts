import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Application, Request, Response } from 'express';
import { readImage, uploadArrived } from '../db/images.js';
import type { Db } from '../db/knex.js';
import { keepSecret, readSecret, Secret, type Sealer } from '../db/secret.js';
import { textOf } from '../workflows/model/fault.js';
import { uploadName } from '../workflows/model/image.js';
import type { Settings } from '../workflows/model/settings.js';
import { startImage } from './images.js';
import type { Services } from './services.js';
import { send } from './wire/endpoint.js';
import { UUID } from './wire/entities.js';
import { errorContent, write } from './wire/envelope.js';
import { WireError } from './wire/errors.js';
import { boundaryOf, fileOf, MultipartError } from './wire/multipart.js';

const keyOwner = (imageId: string) => `image/${imageId}`;

const signatureOf = (key: Secret, imageId: string, metadata: string, expires: string): string =>
  createHmac('sha256', key.reveal()).update([imageId, metadata, expires].join('\n')).digest('base64url');

/** Fields of `getuploadparams`: the address takes one file, once, until it expires. */
export async function uploadParams(
  { db, sealer, settings, now }: { db: Db; sealer: Sealer; settings: Settings; now: Date },
  imageId: string,
): Promise<{ id: string; postURL: string; metadata: string; expires: string; signature: string }> {
  const key = await keepSecret(
    db,
    sealer,
    keyOwner(imageId),
    'upload',
    () => new Secret(randomBytes(32).toString('hex')),
  );
  const expires = new Date(now.getTime() + settings['upload.operation.timeout'] * 60_000).toISOString();
  const metadata = Buffer.from(JSON.stringify({ id: imageId, maxsizegb: settings['cks.download.max.gb'] })).toString('base64url'); // prettier-ignore
  return {
    id: imageId,
    postURL: new URL(`/client/upload/${imageId}`, settings['endpoint.url']).href,
    metadata,
    expires,
    signature: signatureOf(key, imageId, metadata, expires),
  };
}

const refuse = (status: number, text: string) => new WireError(status, 9999, text);

/** Throws unless the headers are those that `getUploadParams…` gave, in time, for a file that has not come yet. */
async function admit({ db, sealer, now }: Services, request: Request, imageId: string): Promise<void> {
  const header = (name: string) => request.get(name) ?? '';
  const key = UUID.test(imageId) ? await readSecret(db, sealer, keyOwner(imageId), 'upload') : undefined;
  const given = Buffer.from(header('x-signature'));
  // Without a key something is compared all the same: an unknown id must not answer faster.
  const wanted = Buffer.from(
    signatureOf(key ?? new Secret('none'), imageId, header('x-metadata'), header('x-expires')),
  );
  if (!key || given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw refuse(401, 'x-signature does not fit x-metadata, x-expires and this address: ask for new upload parameters');
  if (!(Date.parse(header('x-expires')) > now().getTime()))
    throw refuse(401, `The upload had to begin before ${header('x-expires')}: delete the version and ask for new upload parameters`); // prettier-ignore
  const image = await readImage(db, imageId);
  if (!image || image.removed !== null) throw refuse(404, 'The version that this file is for was deleted');
  if (image.state !== 'NotUploaded') throw refuse(409, 'The file has been uploaded already');
}

/** Writes the file of the form to disk. Returns its size. */
async function receive(request: Request, to: string, maxBytes: number): Promise<number> {
  const file = await open(to, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of fileOf(request as AsyncIterable<Buffer>, boundaryOf(request.get('content-type')))) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw refuse(413, `The file is larger than ${Math.floor(maxBytes / 1e9)} GB (cks.download.max.gb)`);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (bytes === 0) throw refuse(400, 'The form: the file is empty');
  return bytes;
}

async function take(services: Services, request: Request): Promise<void> {
  const imageId = String(request.params['id']);
  await admit(services, request, imageId);
  const settings = await services.settings();
  const path = join(services.home, uploadName(imageId));
  const part = `${path}.${randomBytes(6).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const bytes = await receive(request, part, settings['cks.download.max.gb'] * 1e9);
    await rename(part, path);
    await uploadArrived(services.db, imageId, bytes);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof MultipartError) throw refuse(400, `The form: ${error.message}`);
    if (request.destroyed && !request.complete) throw refuse(400, 'The connection ended before the file did');
    throw error;
  }
  await startImage({ temporal: services.temporal(), log: services.log }, imageId);
}

/** `POST /client/upload/<id>`: takes the file of a version whose upload parameters were asked for (`api.md` §2.4). */
export function mountUploads(app: Application, services: Services): void {
  app.post('/client/upload/:id', async (request: Request, response: Response) => {
    try {
      await take(services, request);
      send(response, 200, 'application/json; charset=UTF-8', JSON.stringify({ success: true }));
    } catch (error) {
      const known = error instanceof WireError ? error : undefined;
      if (!known) services.log.error({ error: textOf(error), path: request.path }, 'an upload failed');
      const { status, text } = known ? { status: known.status, text: known.message } : { status: 530, text: 'Internal error' }; // prettier-ignore
      const { type, body } = write('errorresponse', errorContent({ status, cs: 9999, text }), 'json');
      // What is left of the body is not read: the connection ends with the answer.
      if (!request.complete) response.setHeader('Connection', 'close');
      send(response, status, type, body);
    }
  });
}
