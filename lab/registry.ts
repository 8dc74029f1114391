import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HERE, type LabWorld } from './world.js';

/** A private registry, Debian's `docker-registry`, that lets nobody in without a password. Ends with the lab. */
export class LabRegistry {
  readonly host = `${HERE}:5000`;
  readonly url = `http://${this.host}`;
  readonly username = 'puller';
  readonly password = `it's "quoted" \\ and ${Math.random()}`;

  static async start(world: LabWorld): Promise<LabRegistry> {
    const registry = new LabRegistry();
    const folder = join(world.folder, 'registry');
    mkdirSync(folder, { recursive: true });
    const hash = execFileSync('perl', ['-e', 'print crypt($ENV{WORD}, q($2y$05$abcdefghijklmnopqrstuu))'], { env: { ...process.env, WORD: registry.password }, encoding: 'utf8' }); // prettier-ignore
    writeFileSync(join(folder, 'passwords'), `${registry.username}:${hash}\n`);
    writeFileSync(
      join(folder, 'config.yml'),
      `version: 0.1
storage: {filesystem: {rootdirectory: ${join(folder, 'data')}}}
http: {addr: '${registry.host}'}
auth: {htpasswd: {realm: lab, path: ${join(folder, 'passwords')}}}
`,
    );
    world.begin(join(folder, 'log'), 'docker-registry', ['serve', join(folder, 'config.yml')]);
    await world.until('the registry answers', () => registry.asks(world).then((code) => code === '200' || code), 30);
    return registry;
  }

  /** Status of its front door for who knows the password, or for anybody. */
  asks(world: LabWorld, login = `${this.username}:${this.password}`): Promise<string> {
    return world.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...(login ? ['-u', login] : []), `${this.url}/v2/`).catch(String); // prettier-ignore
  }
}
