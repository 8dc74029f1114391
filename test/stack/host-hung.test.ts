import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HeldStarts, holdStarts } from '../../lab/libvirt/hold-starts.js';
import { startBed, type LibvirtBed } from '../../lab/libvirt/hosts.js';
import { describeWithLibvirt } from '../activities/describe-with-libvirt.js';
import { FileServer } from '../activities/file-server.js';
import { makeMedium } from '../scripts/medium-sources.js';
import { heldRows, nodeRows, NOTHING_HELD } from './facts.js';
import { Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
const STOP_LIMIT_MS = 10_000;
const VERSION = '1.35.0';
/** Of a range for examples (RFC 5737): real hosts get nothing from loopback. */
const MIRROR = '198.51.100.9';
const ip = (...args: string[]) => execFileSync('ip', ['address', ...args, `${MIRROR}/32`, 'dev', 'lo']);

describeWithLibvirt('a host whose libvirtd hangs in the middle of a start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cks-hung-'));
  const mirrors: FileServer[] = [];
  let stack: Stack | undefined;
  let bed: LibvirtBed | undefined;
  let starts: HeldStarts | undefined;
  /** What a cluster of containers is asked for with. */
  let asked: Record<string, string>;
  beforeAll(async () => {
    bed = await startBed('lxc');
    starts = await holdStarts(bed.libvirt, 'lxc');
    stack = await Stack.start({ profile: 'instant' });
    ip('replace');
    asked = await addZone(stack, bed);
  }, 120_000);
  afterAll(async () => {
    starts?.release();
    bed?.libvirt.signalDaemon('CONT');
    await stack?.stop();
    for (const mirror of mirrors) await mirror.stop();
    ip('delete');
    await bed?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** A zone of containers beside the simulated one, with a template and a version. */
  async function addZone(stack: Stack, { libvirt, template, file }: LibvirtBed) {
    const { call, settings } = stack;
    const serve = async (content: Buffer, name: string) => {
      const mirror = await FileServer.start(content, MIRROR);
      mirrors.push(mirror);
      return mirror.url(name);
    };
    await call('updateConfiguration', { name: 'cpu.overprovisioning.factor', value: '8' });
    const gatewayurl = `simulator://127.0.0.1:${settings.simulatorPort}/gateway-2`;
    const bridged = { networkmode: 'bridge', bridge: 'cksbr0', gatewayurl };
    const made = await call('createZone', { name: 'real', networktype: 'Advanced', dns1: '10.0.0.53', hypervisor: 'LXC', ...bridged }); // prettier-ignore
    const zoneid = String(made['zone'].id);
    await call('addHost', { zoneid, name: 'lxc-1', url: libvirt.url('lxc') });
    await call('createStoragePool', { zoneid, name: 'default', url: `dir://${libvirt.pool}` });
    await call('createVlanIpRange', { zoneid, startip: '127.9.0.10', endip: '127.9.0.19', gateway: '127.9.0.1', netmask: '255.255.255.0' }); // prettier-ignore
    const root = await serve(readFileSync((await file(template)).path), '/root.tar.gz');
    await call('registerTemplate', { name: 'busybox', zoneid, hypervisor: 'LXC', format: 'TAR', forcks: 'true', url: root }); // prettier-ignore
    const medium = makeMedium(folder, VERSION);
    const wish = { semanticversion: VERSION, mincpunumber: '2', minmemory: '2048', zoneid, checksum: medium.checksum };
    const url = await serve(medium.content, `/setup-v${VERSION}-x86_64.iso`);
    const { kubernetessupportedversion: version } = await call('addKubernetesSupportedVersion', { ...wish, url });
    await stack.until('template and medium are ready', async () => {
      const [found] = (await call('listTemplates', { templatefilter: 'all', name: 'busybox' }))['template'];
      const [of] = (await call('listKubernetesSupportedVersions', { id: version.id }))['kubernetessupportedversion'];
      return (found.isready === true && of.isostate === 'Ready') || `${found.status}; ${of.isostate} ${of.isostatus}`;
    }, 60); // prettier-ignore
    return { ...(await stack.createParameters(1, 1, 'hung')), zoneid, kubernetesversionid: String(version.id) };
  }

  it('holds up no other zone and not the stop of the worker, and each machine is there once when it is back', async () => {
    const { libvirt } = bed!;
    const domains = (...flags: string[]) => libvirt.virsh('lxc', 'list', '--name', ...flags).split('\n').filter(Boolean).sort(); // prettier-ignore
    const roots = () => readdirSync(libvirt.pool).filter((name) => /^i-.*-root$/.test(name)).sort(); // prettier-ignore
    starts!.hold('start');
    const { id } = (await stack!.call('createKubernetesCluster', asked)) as { id: string };
    await stack!.stepIs(id, /start the machine/, 'running', 60);
    await starts!.held();
    libvirt.signalDaemon('STOP');

    const other = await stack!.create(1, 1);
    expect(await stack!.jobEnd(other.jobid)).toMatchObject(OK);
    const began = Date.now();
    await stack!.worker.stop();
    expect(Date.now() - began).toBeLessThan(STOP_LIMIT_MS);
    expect(stack!.worker.crashes).toEqual([]);

    starts!.release();
    libvirt.signalDaemon('CONT');
    stack!.worker.start();
    for (const label of ['control-1', 'worker-1']) await stack!.stepIs(id, new RegExp(`${label}: wait for SSH`), 'running', 60); // prettier-ignore
    const names = nodeRows(stack!, id).map(({ instance_name }) => instance_name).sort(); // prettier-ignore
    expect(domains()).toEqual(names);
    expect(domains('--all')).toEqual(names);
    expect(roots()).toEqual(names.map((name) => `${name}-root`));

    expect(await stack!.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    expect([...domains('--all'), ...roots()]).toEqual([]);
    expect(heldRows(stack!, id)).toEqual(NOTHING_HELD);
  }, 180_000);
});
