import net, { type AddressInfo } from 'node:net';
import { showsHostKey } from '../../activities/host-key.js';
import { hostKeyOf, readHostKey } from '../../db/ssh-host-key.js';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { SshServer } from '../fakes/ssh-server.js';

let server: SshServer;
beforeAll(async () => {
  server = await SshServer.start();
});
afterAll(() => server.stop());

test('is read without anybody logging in', async () => {
  const shown = await showsHostKey({ address: '127.0.0.1', port: server.port });
  expect(shown).toEqual(readHostKey(server.key.public));
  expect(shown.kind).toBe('ssh-ed25519');
  expect(server.logins).toEqual([]);
});

test('of a kind that the server does not have is not shown', async () => {
  await expect(showsHostKey({ address: '127.0.0.1', port: server.port }, 'ssh-rsa')).rejects.toMatchObject({ type: 'HostUnreachable' }); // prettier-ignore
});

test('of what is no SSH server, or silent, or not there, ends in a fault that names it', async () => {
  const other = net.createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const open: net.Socket[] = [];
  const silent = net.createServer((socket) => void open.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const silentPort = (silent.address() as AddressInfo).port;
  try {
    for (const at of [port, silentPort])
      await expect(showsHostKey({ address: '127.0.0.1', port: at }, undefined, 300)).rejects.toMatchObject({
        type: 'HostUnreachable',
        message: expect.stringContaining(`127.0.0.1 port ${at} does not answer as an SSH server`) as string,
      });
  } finally {
    for (const socket of open) socket.destroy();
    await Promise.all([other, silent].map((each) => new Promise((resolve) => each.close(resolve))));
  }
  await expect(showsHostKey({ address: '127.0.0.1', port })).rejects.toThrow('ECONNREFUSED');
});

test('has the fingerprint that ssh-keygen shows', () => {
  // The key and fingerprint of github.com, as its documentation publishes them.
  const key = readHostKey('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl');
  expect(key?.fingerprint).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

test.each(['', 'ssh-ed25519', 'ssh-ed25519 AAAA', 'ssh-rsa not-base64', newSshKeyPair().private])(
  'is not found in a text that is none',
  (text) => {
    expect(readHostKey(text)).toBeUndefined();
  },
);

test('keeps neither the comment nor the blanks of the line it was given in', () => {
  const { public: line } = newSshKeyPair('root@kvm1');
  const key = readHostKey(`  ${line}  \n`)!;
  expect(key.line.split(' ')).toHaveLength(2);
  expect(hostKeyOf(Buffer.from(key.line.split(' ')[1]!, 'base64'))).toEqual(key);
});
