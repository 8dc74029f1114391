import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Deps } from '../../activities/deps.js';
import { imageName, type Hypervisor, type ImageSpec } from '../../activities/hypervisor/driver.js';
import { imageActivities } from '../../activities/images/index.js';
import { ensureImageOn } from '../../activities/images/place.js';
import { addNewZones, imagesWithWork, isImageReady, noteProgress, readImage, uploadArrived } from '../../db/images.js';
import { now, nowPlus } from '../../db/knex.js';
import type { HostRow, TemplateRow } from '../../db/rows.js';
import { addImage, removeImage, type NewImage } from '../../db/templates.js';
import type { ImageWork } from '../../workflows/model/image.js';
import { fault } from '../../workflows/model/fault.js';
import { onEachEngine } from '../db/engines.js';
import { makeWorld, type World } from '../db/world.js';

/** Hosts with pools, some of which may be unreachable. */
class Hosts {
  readonly pools = new Map<string, Set<string>>();
  readonly down = new Set<string>();
  readonly fetched: string[] = [];
  readonly forgotten: string[] = [];
  problem: Error | undefined;

  deps(db: World['db']): Deps {
    const openHypervisor = ({ name }: HostRow): Hypervisor => {
      const pool = this.pools.get(name) ?? new Set<string>();
      this.pools.set(name, pool);
      const reach = () => {
        if (this.down.has(name)) throw fault('HostUnreachable', `${name} does not answer`);
      };
      return {
        async ensureImage(image: ImageSpec, file: () => Promise<unknown>) {
          reach();
          if (pool.has(imageName(image))) return;
          await file();
          pool.add(imageName(image));
        },
        async ensureImageAbsent(image: string) {
          reach();
          pool.delete(image);
        },
      } as unknown as Hypervisor;
    };
    return {
      db,
      openHypervisor,
      fetchImage: async (image: ImageSpec) => {
        if (this.problem) throw this.problem;
        this.fetched.push(image.url);
        return { path: '/cache', bytes: 42 };
      },
      images: {
        size: async () => (this.fetched.length > 0 ? 42 : undefined),
        forget: async (image: { id: string }) => void this.forgotten.push(image.id),
      },
    } as unknown as Deps;
  }
}

onEachEngine((engines) => {
  let world: World;
  let hosts: Hosts;
  let zone: string;
  beforeEach(async () => {
    world = await makeWorld(engines);
    hosts = new Hosts();
    zone = await addZone('real');
    for (const name of ['a', 'b']) await addHost(name);
  });

  async function addZone(name: string): Promise<string> {
    const uuid = randomUUID();
    await world.db('data_center').insert({
      uuid, name, networktype: 'Advanced', hypervisor: 'KVM', allocation_state: 'Enabled', gateway_url: 'x', guest_cidr: '10.9.0.0/16', created: now(world.db),
    }); // prettier-ignore
    return uuid;
  }
  const addHost = (name: string, more: object = {}) =>
    world.db('host').insert({
      uuid: randomUUID(), name, url: `qemu+ssh://${name}`, data_center_id: zone, hypervisor_type: 'KVM', status: 'Up', resource_state: 'Enabled', arch: 'x86_64', cpus: 8, ram_mb: 9000,
      cpus_used: 0, ram_mb_used: 0, created: now(world.db), ...more,
    }); // prettier-ignore
  const register = (more: Partial<NewImage> = {}): Promise<TemplateRow> =>
    addImage(world.db, {
      name: 'one', display_text: 'one', kind: 'TEMPLATE', url: 'http://mirror.example/one', checksum: null, format: 'QCOW2', arch: 'x86_64', hypervisor: 'KVM', account_id: world.accountId,
      data_center_id: zone, ...more,
    }); // prettier-ignore

  /** What the workflow does, in order. */
  async function runOf({ uuid }: TemplateRow): Promise<ImageWork> {
    const act = imageActivities(hosts.deps(world.db));
    const env = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
    const work = await act.beginImageRun(uuid);
    for (const copy of work.copies) {
      try {
        await env.run(work.kind === 'fetch' ? act.ensureImageInPool : act.ensureImageGone, uuid, copy);
      } catch (error) {
        const { message, nonRetryable } = error as { message: string; nonRetryable?: boolean };
        if (work.kind === 'fetch') await act.noteImageFailure(uuid, copy, message, nonRetryable === true);
      }
    }
    await act.settleImageRun(uuid, work.kind);
    return work;
  }
  const refs = async ({ uuid }: TemplateRow) =>
    (await world.db('template_zone_ref').where({ template_id: uuid }).orderBy('id')) as { zone_id: string; state: string; error: string | null; bytes: number | null; total: number | null }[]; // prettier-ignore
  const stateOf = async (image: TemplateRow) => (await refs(image))[0]?.state;
  const age = () => world.db('template_zone_ref').update({ updated: nowPlus(world.db, -120) });

  test('an image goes into the pool of every host of its zone, once', async () => {
    const image = await register();
    expect(await stateOf(image)).toBe('NotDownloaded');
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    expect((await runOf(image)).copies.map(({ hostName }) => hostName)).toEqual(['a', 'b']);
    expect([...hosts.pools]).toEqual([['a', new Set([imageName({ kind: 'TEMPLATE', id: image.uuid })])], ['b', new Set([imageName({ kind: 'TEMPLATE', id: image.uuid })])]]); // prettier-ignore
    expect(await readImage(world.db, image.uuid)).toMatchObject({ state: 'Ready', size_bytes: 42 });
    expect(await isImageReady(world.db, image, zone)).toBe(true);
    expect(await imagesWithWork(world.db)).toEqual([]);
    expect((await runOf(image)).copies).toEqual([]);
  });

  test('is Ready with its size as soon as one copy stands', async () => {
    const image = await register();
    const act = imageActivities(hosts.deps(world.db));
    const { copies } = await act.beginImageRun(image.uuid);
    await new MockActivityEnvironment().run(act.ensureImageInPool, image.uuid, copies[0]!);
    expect(await readImage(world.db, image.uuid)).toMatchObject({ state: 'Ready', size_bytes: 42 });
  });

  test('a pool that hosts share gets it once', async () => {
    await world.db('storage_pool').insert({
      uuid: randomUUID(), name: 'default', pool_type: 'NetworkFilesystem', url: 'nfs://x/y', data_center_id: zone, created: now(world.db),
    }); // prettier-ignore
    const image = await register();
    expect((await runOf(image)).copies).toHaveLength(1);
    expect(await stateOf(image)).toBe('Ready');
  });

  test('only hosts that can use it and are up get it', async () => {
    await addHost('arm', { arch: 'aarch64' });
    await addHost('container', { hypervisor_type: 'LXC' });
    await addHost('broken', { status: 'Down' });
    await addHost('gone', { removed: now(world.db) });
    const names = ({ copies }: ImageWork) => copies.map(({ hostName }) => hostName);
    expect(names(await runOf(await register()))).toEqual(['a', 'b']);
    expect(names(await runOf(await register({ kind: 'ISO', hypervisor: null })))).toEqual(['a', 'b', 'container']);
    expect(names(await runOf(await register({ arch: 'aarch64' })))).toEqual(['arm']);
    expect(names(await runOf(await register({ hypervisor: 'lxc' })))).toEqual(['container']);
  });

  test('a zone without a fitting host says so, and gets it once it has one', async () => {
    const image = await register({ arch: 'aarch64' });
    await runOf(image);
    expect((await refs(image))[0]).toMatchObject({ state: 'NotDownloaded', error: 'no host of the zone that is up has KVM and architecture aarch64' }); // prettier-ignore
    expect(await imagesWithWork(world.db)).toEqual([]);
    await age();
    await addHost('arm', { arch: 'aarch64' });
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    await runOf(image);
    expect((await refs(image))[0]).toMatchObject({ state: 'Ready', error: null });
  });

  test('a zone that comes later is looked after by the scan', async () => {
    const image = await register({ data_center_id: null, kind: 'ISO', hypervisor: null });
    await runOf(image);
    const later = await addZone('later');
    await addNewZones(world.db);
    expect((await refs(image)).find(({ zone_id }) => zone_id === later)).toMatchObject({ state: 'NotDownloaded' });
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    expect(await isImageReady(world.db, image, later)).toBe(false);
    expect(await isImageReady(world.db, image, zone)).toBe(true);
  });

  test('progress is that of all copies that wait, and of no other', async () => {
    const [image, other] = [await register(), await register({ name: 'two' })];
    await imageActivities(hosts.deps(world.db)).beginImageRun(image.uuid);
    await noteProgress(world.db, image.uuid, 250, 1000);
    expect((await refs(image))[0]).toMatchObject({ state: 'Downloading', bytes: 250, total: 1000 });
    expect((await refs(other))[0]).toMatchObject({ state: 'NotDownloaded', bytes: null });
    expect((await world.db('pool_image').select('percent')).map((row: { percent: number }) => row.percent)).toEqual([25, 25]); // prettier-ignore
  });

  test('what is wrong for good makes it Failed with the reason, and is not tried again', async () => {
    hosts.problem = fault('DownloadRefused', 'it is no Kubernetes medium');
    const image = await register();
    await runOf(image);
    expect((await refs(image))[0]).toMatchObject({ state: 'Failed', error: 'it is no Kubernetes medium' });
    expect(await readImage(world.db, image.uuid)).toMatchObject({ state: 'Failed' });
    await age();
    expect(await imagesWithWork(world.db)).toEqual([]);
  });

  test('what may pass is tried again after a while; one host is enough to be Ready', async () => {
    hosts.down.add('a').add('b');
    const image = await register();
    await runOf(image);
    expect((await refs(image))[0]).toMatchObject({
      state: 'Downloading',
      error: expect.stringMatching(/^[ab] does not answer$/),
    });
    expect(await imagesWithWork(world.db)).toEqual([]);
    await age();
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    hosts.down.delete('b');
    await runOf(image);
    expect((await refs(image))[0]).toMatchObject({ state: 'Ready', error: null });
  });

  test('a copy that a machine’s host got later goes with the image', async () => {
    const image = await register();
    await runOf(image);
    await addHost('late');
    const late = (await world.db<HostRow>('host').where({ name: 'late' }).first())!;
    for (let i = 0; i < 2; i++) await ensureImageOn(hosts.deps(world.db), late, image);
    expect(hosts.pools.get('late')?.size).toBe(1);
    expect(hosts.fetched).toHaveLength(3);
    expect(await world.db('pool_image').where({ host_id: late.uuid }).select('pool_id', 'state', 'percent')).toEqual([{ pool_id: late.uuid, state: 'Ready', percent: 100 }]); // prettier-ignore
    await removeImage(world.db, image.uuid);
    await runOf(image);
    expect([...hosts.pools].map(([, pool]) => pool.size)).toEqual([0, 0, 0]);
  });

  test('a pool that hosts share has one copy, whichever host it was made through', async () => {
    const pool = randomUUID();
    await world.db('storage_pool').insert({
      uuid: pool, name: 'default', pool_type: 'NetworkFilesystem', url: 'nfs://x/y', data_center_id: zone, created: now(world.db),
    }); // prettier-ignore
    const image = await register();
    for (const row of await world.db<HostRow>('host').where({ data_center_id: zone })) await ensureImageOn(hosts.deps(world.db), row, image); // prettier-ignore
    expect(await world.db('pool_image').pluck('pool_id')).toEqual([pool]);
  });

  test('what a first start made stands in its zone and in no other', async () => {
    await addNewZones(world.db);
    expect(await imagesWithWork(world.db)).toEqual([]);
    const [iso] = await world.db<TemplateRow>('vm_template').where({ kind: 'ISO' });
    expect(await isImageReady(world.db, iso!, world.zone.uuid)).toBe(true);
    expect(await isImageReady(world.db, iso!, zone)).toBe(false);
  });

  test('a deleted image is taken out of the pools, at once or when its host answers', async () => {
    const image = await register();
    await runOf(image);
    hosts.down.add('b');
    expect(await removeImage(world.db, image.uuid)).toBe(true);
    expect(await removeImage(world.db, image.uuid)).toBe(false);
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    expect((await runOf(image)).kind).toBe('remove');
    expect([...hosts.pools].map(([name, pool]) => [name, pool.size])).toEqual([['a', 0], ['b', 1]]); // prettier-ignore
    expect(hosts.forgotten).toEqual([image.uuid]);
    expect(await imagesWithWork(world.db)).toEqual([]);
    hosts.down.clear();
    await world.db('pool_image').update({ updated: nowPlus(world.db, -120) });
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    await runOf(image);
    expect(hosts.pools.get('b')?.size).toBe(0);
    expect(await world.db('pool_image')).toEqual([]);
  });

  test('a deleted image forgets hosts that were removed', async () => {
    const image = await register();
    await runOf(image);
    await removeImage(world.db, image.uuid);
    await world
      .db('host')
      .where({ name: 'b' })
      .update({ removed: now(world.db) });
    expect((await runOf(image)).copies.map(({ hostName }) => hostName)).toEqual(['a']);
    expect(await world.db('pool_image')).toEqual([]);
  });

  test('nothing happens to an image before its upload', async () => {
    const image = await register({ state: 'NotUploaded', url: 'upload:x' });
    expect(await stateOf(image)).toBe('NotUploaded');
    expect(await imagesWithWork(world.db)).toEqual([]);
    expect((await runOf(image)).copies).toEqual([]);
    expect(await stateOf(image)).toBe('NotUploaded');
    await uploadArrived(world.db, image.uuid, 7);
    expect(await imagesWithWork(world.db)).toEqual([image.uuid]);
    await runOf(image);
    expect(await stateOf(image)).toBe('Ready');
  });
});
