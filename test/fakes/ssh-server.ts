import type { AddressInfo } from 'node:net';
import ssh2 from 'ssh2';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';

/** An SSH server that shows a host key and lets nobody in. */
export class SshServer {
  readonly key = newSshKeyPair();
  readonly logins: string[] = [];
  #server = new ssh2.Server({ hostKeys: [this.key.private] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (login) => {
      this.logins.push(login.username);
      login.reject();
    });
  });

  static async start(): Promise<SshServer> {
    const server = new SshServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
