import { type ChildProcess, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as dial, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { driversFor } from '../../activities/drivers.js';
import type { HostTls } from '../../db/hosts.js';
import { connect } from '../../db/knex.js';
import { migrate } from '../../db/migrate.js';
import type { HostRow } from '../../db/rows.js';
import { Sealer, Secret, writeSecret } from '../../db/secret.js';
import { MEDIUM, startBed } from '../../lab/libvirt/hosts.js';
import { root } from '../structure/sources.js';
import { describeWithLibvirt } from './describe-with-libvirt.js';
import { describeHypervisor } from './hypervisor-contract.js';

/** The commands of the run-book, for a host that is called `host`. */
function makeCertificates(folder: string, host: string): HostTls {
  mkdirSync(folder);
  const page = readFileSync(path.join(root, 'docs/operate/real-zone.md'), 'utf8');
  const block = /```sh\n(# the CA, once[\s\S]*?)# on kvm1\n/.exec(page)?.[1] ?? 'exit 9';
  execFileSync('bash', ['-eu', '-c', block.replaceAll('kvm1', host)], { cwd: folder, stdio: 'ignore' });
  const read = (name: string) => readFileSync(path.join(folder, `${name}.pem`), 'utf8');
  return { cacert: read('cacert'), clientcert: read('clientcert'), clientkey: read('clientkey') };
}

/** In the daemon's network: what comes to a socket in the file system goes on to its port. */
const INNER = `const net = require('node:net');
net.createServer((from) => { const to = net.connect(16514, '127.0.0.1'); from.pipe(to).pipe(from);
  for (const one of [from, to]) one.on('error', () => { from.destroy(); to.destroy(); }); }).listen(process.argv[1]);`;

/** A libvirtd that listens for TLS, reached at a port of this machine, with everything that a worker takes to it. */
async function startTlsHost() {
  const bed = await startBed('qemu');
  const folder = path.join(bed.libvirt.dir, 'tls');
  const keys = makeCertificates(folder, 'localhost');
  await bed.libvirt.listenTls(folder);
  const socket = path.join(bed.libvirt.dir, 'tls.sock');
  const inner: ChildProcess = bed.libvirt.spawnInside(process.execPath, ['-e', INNER, socket], ['-n']);
  while (!existsSync(socket)) await sleep(20);
  const outer: Server = createServer((from) => {
    const to = dial(socket);
    from.pipe(to).pipe(from);
    for (const one of [from, to])
      one.on('error', () => {
        from.destroy();
        to.destroy();
      });
  });
  await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', resolve));
  const { port } = outer.address() as AddressInfo;

  const db = connect(`sqlite:${path.join(bed.libvirt.dir, 'db')}`);
  await migrate(db);
  const sealer = new Sealer(new Secret('a test key that is long enough'));
  const drivers = driversFor({ db, sealer });
  return {
    ...bed,
    keys,
    port,
    /** The driver of a host row with these certificates. */
    async host(tls: HostTls | undefined, name = 'localhost') {
      const uuid = randomUUID();
      if (tls) await writeSecret(db, sealer, `host/${uuid}`, 'tls', new Secret(JSON.stringify(tls)));
      const url = `qemu+tls://${name}:${port}/system?domain=qemu`;
      return drivers.openHypervisor({ uuid, name: 'far-2', url, data_center_id: 'z', pool: 'default' } as HostRow);
    },
    async stop() {
      await drivers.close();
      await db.destroy();
      const gone = new Promise((resolve) => inner.once('exit', resolve));
      inner.kill('SIGKILL');
      await gone;
      outer.close();
      await bed.stop();
    },
  };
}
type TlsHost = Awaited<ReturnType<typeof startTlsHost>>;

describeWithLibvirt('over TLS, with the certificates of the run-book', () => {
  describeHypervisor('libvirt with QEMU', async () => {
    const host = await startTlsHost();
    const hypervisor = await host.host(host.keys);
    return { hypervisor, template: host.template, medium: MEDIUM, file: host.file, stop: () => host.stop() };
  });

  describe('a host', () => {
    let tls: TlsHost;
    const others = mkdtempSync(path.join(tmpdir(), 'cks-others-'));
    let strangers: HostTls;
    beforeAll(async () => {
      tls = await startTlsHost();
      strangers = makeCertificates(path.join(others, 'strangers'), 'localhost');
    });
    afterAll(async () => {
      await tls.stop();
      rmSync(others, { recursive: true });
    });
    const refusalOf = async (driver: Awaited<ReturnType<TlsHost['host']>>) =>
      driver.readFacts().then(
        () => undefined,
        (error: unknown) => error as Error & { type: string; nonRetryable: boolean },
      );

    it('that shows the certificate of another authority is refused for good, by name', async () => {
      const refusal = await refusalOf(await tls.host({ ...tls.keys, cacert: strangers.cacert }));
      expect(refusal).toMatchObject({ type: 'HostIdentity', nonRetryable: true });
      expect(refusal?.message).toContain('far-2');
    });

    it('whose certificate is for another name is refused for good', async () => {
      expect(await refusalOf(await tls.host(tls.keys, '127.0.0.1'))).toMatchObject({
        type: 'HostIdentity',
        nonRetryable: true,
      });
    });

    it('lets nobody in with the certificate of another authority, and the fault shows no key', async () => {
      const wrong = { ...strangers, cacert: tls.keys.cacert };
      const refusal = await refusalOf(await tls.host(wrong));
      expect(refusal?.type).toMatch(/^(HypervisorRefused|HostUnreachable|HostIdentity)$/);
      expect(refusal?.message).toContain('far-2');
      expect(JSON.stringify(refusal)).not.toContain('PRIVATE KEY');
    });

    it('without stored certificates is refused before anything is connected to', async () => {
      expect(await refusalOf(await tls.host(undefined))).toMatchObject({
        type: 'HypervisorRefused',
        message: expect.stringContaining('certificates for host far-2') as string,
      });
    });

    it('serves again after its daemon was started anew', async () => {
      const driver = await tls.host(tls.keys);
      expect(await driver.readFacts()).toMatchObject({ hypervisor: 'QEMU' });
      await tls.libvirt.restartDaemon();
      // The call that finds the old connection dead may be lost with it: a fault that Temporal tries again.
      const first = await refusalOf(driver);
      expect(first?.nonRetryable ?? false).toBe(false);
      expect(await driver.readFacts()).toMatchObject({ hypervisor: 'QEMU' });
    });
  });
});
