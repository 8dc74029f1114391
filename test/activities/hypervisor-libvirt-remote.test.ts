import { type ChildProcess, execFileSync } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { driversFor } from '../../activities/drivers.js';
import { connect } from '../../db/knex.js';
import { migrate } from '../../db/migrate.js';
import type { HostRow } from '../../db/rows.js';
import { Sealer, Secret, writeSecret } from '../../db/secret.js';
import { PrivateLibvirt } from '../../lab/libvirt/private-libvirt.js';
import { describeWithLibvirt } from './describe-with-libvirt.js';

const keyIn = (folder: string, name: string, type = 'ed25519') => {
  const file = path.join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
  return { file, private: readFileSync(file, 'utf8'), public: readFileSync(`${file}.pub`, 'utf8') };
};
const fingerprintOf = (file: string) =>
  execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1];

describeWithLibvirt('a host over SSH', () => {
  let libvirt: PrivateLibvirt;
  let db: Knex;
  let folder: string;
  let sshd: ChildProcess | undefined;
  const sealer = new Sealer(new Secret('a test key that is long enough'));
  const port = randomInt(20_000, 30_000);
  let drivers: ReturnType<typeof driversFor>;

  async function serve(hostKey: string): Promise<void> {
    const config = path.join(folder, 'sshd_config');
    writeFileSync(
      config,
      `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nAuthorizedKeysFile ${folder}/login.pub\nStrictModes no\nUsePAM no\n` +
        'PidFile none\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n',
    );
    // Within the file systems of the private daemon, and on the network of the tests.
    sshd = libvirt.spawnInside('/usr/sbin/sshd', ['-D', '-e', '-f', config], ['-m']);
    for (let left = 100; left > 0; left--) {
      const up = await new Promise((resolve) => {
        const socket = dial(port, '127.0.0.1');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.once('close', () => undefined).setTimeout(1000, () => socket.destroy());
        socket.once('connect', () => socket.destroy());
      });
      if (up) return;
      await sleep(50);
    }
    throw new Error('sshd does not answer');
  }
  async function hang(): Promise<void> {
    const gone = new Promise((resolve) => sshd?.once('exit', resolve));
    sshd?.kill();
    await gone;
  }
  const host = async (secrets: Record<string, string>): Promise<HostRow> => {
    const row = {
      uuid: randomUUID(),
      name: 'far-1',
      url: `qemu+libssh://root@127.0.0.1:${port}/system?domain=qemu`,
      data_center_id: 'z',
      pool: 'default',
    };
    for (const [name, text] of Object.entries(secrets))
      await writeSecret(db, sealer, `host/${row.uuid}`, name, new Secret(text));
    return row as HostRow;
  };

  let server: ReturnType<typeof keyIn>;
  let login: ReturnType<typeof keyIn>;
  beforeAll(async () => {
    libvirt = await PrivateLibvirt.start();
    folder = path.join(libvirt.dir, 'ssh');
    mkdirSync(folder, { mode: 0o700 });
    mkdirSync('/run/sshd', { recursive: true });
    server = keyIn(folder, 'server');
    login = keyIn(folder, 'login');
    db = connect(`sqlite:${path.join(folder, 'db')}`);
    await migrate(db);
    drivers = driversFor({ db, sealer });
    await serve(server.file);
  });
  afterAll(async () => {
    await hang();
    await drivers.close();
    await db.destroy();
    await libvirt.stop();
  });

  it('is reached with the key that is stored for it, when it shows the host key that is pinned', async () => {
    const far = drivers.openHypervisor(await host({ ssh: login.private, 'known-host': server.public }));
    expect(await far.readFacts()).toMatchObject({ hypervisor: 'QEMU' });
    expect(await far.listVolumes()).toEqual([]);
  });

  it('is refused for good when no host key is pinned, and the one it shows is named', async () => {
    const far = drivers.openHypervisor(await host({ ssh: login.private }));
    await expect(far.readFacts()).rejects.toMatchObject({
      type: 'HostIdentity',
      nonRetryable: true,
      message: expect.stringContaining(`shows ${fingerprintOf(server.file)}`) as string,
    });
  });

  it('is refused for good when its host key is another one, and both are named', async () => {
    const wrong = keyIn(folder, 'wrong');
    const far = drivers.openHypervisor(await host({ ssh: login.private, 'known-host': wrong.public }));
    const refusal = await far
      .readFacts()
      .catch((error: unknown) => error as Error & { type: string; nonRetryable: boolean });
    expect(refusal).toMatchObject({ type: 'HostIdentity', nonRetryable: true });
    for (const part of ['far-1', fingerprintOf(server.file), fingerprintOf(wrong.file)])
      expect((refusal as Error).message).toContain(part);
  });

  it('is refused when its host key is another one after it was in use', async () => {
    const row = await host({ ssh: login.private, 'known-host': server.public });
    await drivers.openHypervisor(row).readFacts();
    await drivers.close();
    drivers = driversFor({ db, sealer });
    await hang();
    const changed = keyIn(folder, 'changed', 'ed25519');
    await serve(changed.file);
    await expect(drivers.openHypervisor(row).readFacts()).rejects.toMatchObject({
      type: 'HostIdentity',
      message: expect.stringContaining(fingerprintOf(changed.file) ?? '') as string,
    });
    await hang();
    await serve(server.file);
    expect(await drivers.openHypervisor(row).readFacts()).toMatchObject({ hypervisor: 'QEMU' });
  });

  it('is not let in with another key, and says so', async () => {
    const stranger = keyIn(folder, 'stranger');
    const far = drivers.openHypervisor(await host({ ssh: stranger.private, 'known-host': server.public }));
    await expect(far.readFacts()).rejects.toMatchObject({
      type: 'HypervisorRefused',
      message: expect.stringContaining('far-1') as string,
    });
  });

  it('that does not answer is unreachable, by name and address', async () => {
    const row = await host({ ssh: login.private, 'known-host': server.public });
    const gone = { ...row, url: row.url.replace(String(port), '1') };
    await expect(drivers.openHypervisor(gone).readFacts()).rejects.toMatchObject({
      type: 'HostUnreachable',
      nonRetryable: false,
      message: expect.stringContaining('far-1 at 127.0.0.1:1') as string,
    });
  });

  it('whose key is not stored is refused before anything is connected to', async () => {
    await expect(drivers.openHypervisor(await host({})).readFacts()).rejects.toMatchObject({
      type: 'HypervisorRefused',
    });
  });
});
