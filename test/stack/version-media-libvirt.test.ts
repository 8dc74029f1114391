import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBed, type LibvirtBed } from '../../lab/libvirt/hosts.js';
import { describeWithLibvirt } from '../activities/describe-with-libvirt.js';
import { FileServer } from '../activities/file-server.js';
import { aMachine } from '../activities/zone-fixture.js';
import { makeMedium } from '../scripts/medium-sources.js';
import { Stack } from './stack.js';

const VERSION = '1.35.0';
/** Of a range for examples (RFC 5737): real hosts get nothing from loopback. */
const MIRROR = '198.51.100.9';
const ip = (...args: string[]) => execFileSync('ip', ['address', ...args, `${MIRROR}/32`, 'dev', 'lo']);

describeWithLibvirt('the medium of a version on real hosts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cks-media-'));
  let stack: Stack | undefined;
  let bed: LibvirtBed | undefined;
  let mirror: FileServer | undefined;
  let made: ReturnType<typeof makeMedium>;
  beforeAll(async () => {
    made = makeMedium(folder, VERSION);
    bed = await startBed('qemu');
    ip('replace');
    mirror = await FileServer.start(made.content, MIRROR);
    stack = await Stack.start({ profile: 'instant' });
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
    await mirror?.stop();
    ip('delete');
    await bed?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('is fetched once for the pool that they share, taken by a running machine, let go, and deleted with the version', async () => {
    const { call, settings } = stack!;
    const { libvirt, driver, template, file } = bed!;
    const gatewayurl = `simulator://127.0.0.1:${settings.simulatorPort}/gateway`;
    const zone = { name: 'real', networktype: 'Advanced', dns1: '10.0.0.53', hypervisor: 'QEMU', gatewayurl };
    const zoneid = String((await call('createZone', zone))['zone'].id);
    // Two ways to one daemon stand for two hosts with one pool.
    for (const [name, url] of [['one', libvirt.url('qemu')], ['two', libvirt.url('qemu').replace('/run/', '/./run/')]] as const)
      await call('addHost', { zoneid, name, url }); // prettier-ignore
    await call('createStoragePool', { zoneid, name: 'default', url: `dir://${libvirt.pool}` });

    const url = mirror!.url(`/setup-v${VERSION}-x86_64.iso`);
    const wish = {
      semanticversion: VERSION,
      mincpunumber: '2',
      minmemory: '2048',
      zoneid,
      url,
      checksum: made.checksum,
    };
    const { kubernetessupportedversion: version } = await call('addKubernetesSupportedVersion', wish);
    await stack!.until('the medium is Ready', async () => {
      const { isostate, isostatus } = (await call('listKubernetesSupportedVersions', { id: version.id }))['kubernetessupportedversion'][0];
      return isostate === 'Ready' || `${isostate}, ${isostatus}`;
    }, 60); // prettier-ignore
    expect(mirror!.asked).toHaveLength(1);
    const { iso } = await call('listIsos', { id: version.isoid, isofilter: 'all' });
    expect(iso[0]).toMatchObject({ size: made.content.length, downloaddetails: [{ downloadState: 'DOWNLOADED', downloadPercent: '100' }] }); // prettier-ignore
    const medium = `iso-${version.isoid}`;
    const inPool = join(libvirt.pool, medium);
    expect(createHash('sha256').update(readFileSync(inPool)).digest('hex')).toBe(
      made.checksum.replace('{SHA-256}', ''),
    );

    const { spec, seed, volume } = aMachine({ cpus: 1, ramMb: 64, maxCpus: 1, maxRamMb: 64 });
    await driver.ensureImage(template, () => file(template));
    await driver.ensureVolume({ ...volume, templateId: template.id, sizeGb: 1 });
    await driver.ensureSeed(seed);
    await driver.ensureDefined({ ...spec, media: [seed.name] });
    await driver.ensureRunning(spec.name);
    const media = async () => (await driver.listDomains()).find(({ name }) => name === spec.name)?.media;
    await driver.ensureMediumAttached(spec.name, medium);
    expect(await media()).toEqual([seed.name, medium]);
    await driver.ensureMediumDetached(spec.name, medium);
    expect(await media()).toEqual([seed.name]);

    expect(await stack!.run('deleteKubernetesSupportedVersion', { id: version.id })).toMatchObject({ jobstatus: 1 });
    const rows = () => stack!.rows('SELECT * FROM pool_image WHERE image_id = ?', version.isoid);
    await stack!.until(
      'the medium is gone',
      () => (!existsSync(inPool) && rows().length === 0) || 'it is in the pool',
      30,
    );
    await driver.ensureAbsent(spec.name);
    expect(mirror!.asked).toHaveLength(1);
  }, 120_000);
});
