import { inspect } from 'node:util';
import { pino } from 'pino';
import { forgetSecrets, keepSecret, readSecret, Sealer, Secret, writeSecret } from '../../db/secret.js';
import { onEachEngine } from './engines.js';
import { KEY, makeWorld, type World } from './world.js';

const TEXT = 'open sesame';

describe('a Secret', () => {
  const secret = new Secret(TEXT);
  const nested = { deep: [{ secret }] };
  const shows: [string, () => unknown][] = [
    ['a template', () => `${secret as unknown as string}`],
    ['String()', () => String(secret)],
    ['a sum of texts', () => 'key=' + (secret as unknown as string)],
    ['a comparison with a number', () => (secret as unknown as number) > 1],
    ['JSON', () => JSON.stringify(secret)],
    ['JSON of what holds it', () => JSON.stringify(nested)],
    ['join', () => [secret].join(',')],
  ];
  test.each(shows)('does not become text by %s', (_, show) => {
    let error: unknown;
    try {
      show();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/^a secret cannot be/);
  });

  test.each([
    ['inspect', inspect(nested, { depth: 9, showHidden: true })],
    ['%o of a console', inspect(new Error('x', { cause: nested }), { depth: 9 })],
    ['its keys', JSON.stringify([Object.keys(secret), Object.getOwnPropertyNames(secret), { ...secret }])],
  ])('does not show in %s', (_, text) => {
    expect(text).not.toContain(TEXT);
  });

  test('does not show in a log line', () => {
    const lines: string[] = [];
    pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }).info({ secret, nested }, 'logged');
    expect(lines.join()).not.toContain(TEXT);
  });

  test('does not survive a copy between threads', () => {
    expect(JSON.stringify(structuredClone({ secret }))).not.toContain(TEXT);
  });

  test('shows to who asks for it', () => {
    expect(secret.reveal()).toBe(TEXT);
  });
});

describe('a Sealer', () => {
  const sealer = new Sealer(new Secret(KEY));
  const sealed = sealer.seal('secret/cluster/1/ssh', new Secret(TEXT));

  test('opens what it sealed, in its place', () => {
    expect(sealer.open('secret/cluster/1/ssh', sealed).reveal()).toBe(TEXT);
  });

  test('seals the same text differently each time, and shows nothing of it', () => {
    const again = sealer.seal('secret/cluster/1/ssh', new Secret(TEXT));
    expect(again).not.toBe(sealed);
    expect(Buffer.from(sealed.split(':')[1]!, 'base64').toString('latin1')).not.toContain(TEXT);
  });

  test('refuses a value that was moved to another place', () => {
    expect(() => sealer.open('secret/cluster/2/ssh', sealed)).toThrow(/authenticate/);
  });

  test.each([0, 12, 28])('refuses a value whose byte %i was changed', (at) => {
    const [keyId, body] = sealed.split(':') as [string, string];
    const bytes = Buffer.from(body, 'base64');
    bytes[at]! ^= 1;
    expect(() => sealer.open('secret/cluster/1/ssh', `${keyId}:${bytes.toString('base64')}`)).toThrow(/authenticate/);
  });

  test('refuses another key and names both', () => {
    const other = new Sealer(new Secret('another key, just as long as the first'));
    expect(() => other.open('secret/cluster/1/ssh', sealed)).toThrow(
      `sealed under key ${sealer.keyId}, but CKS_ENCRYPTION_KEY is key ${other.keyId}`,
    );
  });

  test('refuses a foreign key also where somebody wrote its own key’s id on it', () => {
    const other = new Sealer(new Secret('another key, just as long as the first'));
    expect(() => other.open('secret/cluster/1/ssh', `${other.keyId}:${sealed.split(':')[1]}`)).toThrow(/authenticate/);
  });

  test.each(['', 'x', `${sealer.keyId}:`, `${sealer.keyId}:AAAA`])('refuses "%s"', (text) => {
    expect(() => sealer.open('p', text)).toThrow();
  });
});

onEachEngine((engines) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(engines);
  });
  const read = async (owner: string, name: string) => (await readSecret(world.db, world.sealer, owner, name))?.reveal();

  test('stored secrets are sealed, and are written over', async () => {
    await writeSecret(world.db, world.sealer, 'cluster/1', 'kubeconfig', new Secret(TEXT));
    await writeSecret(world.db, world.sealer, 'cluster/1', 'kubeconfig', new Secret('new'));
    expect(await read('cluster/1', 'kubeconfig')).toBe('new');
    expect(JSON.stringify(await world.db('secret'))).not.toContain(TEXT);
    expect(await read('cluster/1', 'other')).toBeUndefined();
  });

  test('a row that was copied to another owner does not open', async () => {
    await writeSecret(world.db, world.sealer, 'cluster/2', 'ssh', new Secret(TEXT));
    const { sealed } = await world.db('secret').where({ owner: 'cluster/2' }).first<{ sealed: string }>();
    await world.db('secret').insert({ owner: 'cluster/3', name: 'ssh', sealed });
    await expect(read('cluster/3', 'ssh')).rejects.toThrow(/authenticate/);
  });

  test('a secret that is kept is the first maker’s, for all makers', async () => {
    let made = 0;
    const make = () => new Secret(`number ${++made}`);
    const kept = await Promise.all(
      Array.from({ length: 10 }, () => keepSecret(world.db, world.sealer, 'vm/1', 'hostkey', make)),
    );
    expect(new Set(kept.map((secret) => secret.reveal())).size).toBe(1);
    expect(await read('vm/1', 'hostkey')).toBe(kept[0]!.reveal());
  });

  test('long secrets of any language are kept whole', async () => {
    const long = '東京🚀'.repeat(20_000);
    await writeSecret(world.db, world.sealer, 'cluster/4', 'long', new Secret(long));
    expect(await read('cluster/4', 'long')).toBe(long);
  });

  test('forgetting takes all of one owner and nothing of another', async () => {
    await writeSecret(world.db, world.sealer, 'cluster/5', 'a', new Secret('a'));
    await writeSecret(world.db, world.sealer, 'cluster/5', 'b', new Secret('b'));
    await writeSecret(world.db, world.sealer, 'cluster/55', 'a', new Secret('a'));
    expect(await forgetSecrets(world.db, 'cluster/5')).toBe(2);
    expect(await read('cluster/55', 'a')).toBe('a');
  });
});
