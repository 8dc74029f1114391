import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { join } from 'node:path';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import type { Program } from '../../activities/gateway/forced-command.js';
import { Secret } from '../../db/secret.js';
import { Underlay, guestProgram } from './underlay.js';

export const login = newSshKeyPair();
export const hostKey = newSshKeyPair();

/** A gateway host with a real SSH server, which knows our key for the one program. This process reaches it through a relay. */
export class GatewayHost {
  private readonly servers: ChildProcess[] = [];
  private relay!: Server;

  private constructor(readonly zone: Underlay) {}

  static async start(): Promise<GatewayHost> {
    const host = new GatewayHost(await Underlay.start());
    const file = (name: string, text: string) => {
      const path = join(host.zone.folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const command = `env CKS_ROOT=${host.zone.root('gw')} ${guestProgram('cks-gateway')}`;
    const keys = file('keys', `restrict,command="${command}" ${login.public}\n`);
    const lines = [`HostKey ${file('host-key', hostKey.private)}`, `AuthorizedKeysFile ${keys}`, 'Port 22', 'ListenAddress 192.0.2.1', 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin forced-commands-only', 'PidFile none', 'SetEnv PATH=/usr/sbin:/usr/bin:/sbin:/bin']; // prettier-ignore
    const settings = file('sshd_config', `${lines.join('\n')}\n`);
    mkdirSync('/run/sshd', { recursive: true });
    const space = `--net=/run/netns/${host.zone.ns('gw')}`;
    const server = spawn('nsenter', [space, '--', '/usr/sbin/sshd', '-D', '-e', '-f', settings], { stdio: ['ignore', 'ignore', 'pipe'] }); // prettier-ignore
    host.servers.push(server);
    await new Promise<void>((resolve, reject) => {
      let said = '';
      server.once('error', () => reject(new Error('missing: /usr/sbin/sshd (apt-get install openssh-server)')));
      server.once('exit', () => reject(new Error(`sshd ended: ${said}`)));
      server.stderr?.on('data', (part: Buffer) => {
        said += part.toString();
        if (said.includes('Server listening')) resolve();
      });
    });
    host.relay = createServer((socket) => {
      const script = 'exec 3<>/dev/tcp/192.0.2.1/22; cat <&3 & exec cat >&3';
      const child = spawn('nsenter', [space, '--', 'bash', '-c', script], { stdio: ['pipe', 'pipe', 'ignore'], detached: true }); // prettier-ignore
      const end = () => {
        socket.destroy();
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      };
      socket.pipe(child.stdin).on('error', end);
      child.stdout.pipe(socket).on('error', end);
      socket.once('close', end);
      child.once('exit', end);
    });
    await new Promise<void>((resolve) => host.relay.listen(0, '127.0.0.1', resolve));
    return host;
  }

  program(known = hostKey.public, key = login.private): () => Promise<Program> {
    const target = {
      name: 'the gateway', host: '127.0.0.1', port: (this.relay.address() as AddressInfo).port, user: 'root', hostKey: known, privateKey: new Secret(key),
      faults: { identity: 'HostIdentity', unreachable: 'HostUnreachable' },
    } as const; // prettier-ignore
    return () => Promise.resolve({ target, failed: 'GatewayFailed' });
  }

  stop(): void {
    this.relay.close();
    for (const server of this.servers) server.kill('SIGTERM');
    this.zone.stop();
  }
}
