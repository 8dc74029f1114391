import { assertKey, WrongKey } from '../../db/key-check.js';
import { countKeys, rotateKey } from '../../db/rotate-key.js';
import { readSecret, Sealer, Secret, writeSecret } from '../../db/secret.js';
import { onEachEngine } from './engines.js';
import { KEY, makeWorld, type World } from './world.js';

const NEXT = 'the key that follows, long enough too';
const MANY = 450;

onEachEngine((engines) => {
  let world: World;
  const next = new Sealer(new Secret(NEXT));
  beforeAll(async () => {
    world = await makeWorld(engines);
    for (let i = 0; i < MANY; i++)
      await writeSecret(world.db, world.sealer, `cluster/${i}`, 'ssh', new Secret(`open ${i}`));
  }, 60_000);

  test('killed in the middle, all secrets are under the old key still', async () => {
    const before = await countKeys(world.db);
    const child = engines.together([{ do: 'rotate', url: world.url, at: 0, keys: [KEY, NEXT], dieAt: 300 }]);
    await expect(child).rejects.toMatchObject({ signal: 'SIGKILL' });
    expect(await countKeys(world.db)).toEqual(before);
    expect([...before.keys()]).toEqual([world.sealer.keyId]);
    await assertKey(world.db, world.sealer);
    expect((await readSecret(world.db, world.sealer, 'cluster/7', 'ssh'))?.reveal()).toBe('open 7');
  }, 60_000);

  test('run again, all are under the new key with their content, and the old key is refused', async () => {
    const total = [...(await countKeys(world.db)).values()].reduce((sum, n) => sum + n, 0);
    expect(total).toBeGreaterThan(MANY);
    expect(await rotateKey(world.db, world.sealer, next)).toBe(total);
    expect(await countKeys(world.db)).toEqual(new Map([[next.keyId, total]]));
    for (const i of [0, 199, 200, MANY - 1])
      expect((await readSecret(world.db, next, `cluster/${i}`, 'ssh'))?.reveal()).toBe(`open ${i}`);
    await assertKey(world.db, next);
    await expect(assertKey(world.db, world.sealer)).rejects.toBeInstanceOf(WrongKey);
  }, 60_000);

  test('a third time there is nothing to do; one secret that was sealed under the old key meanwhile is taken along', async () => {
    expect(await rotateKey(world.db, world.sealer, next)).toBe(0);
    await writeSecret(world.db, world.sealer, 'cluster/late', 'ssh', new Secret('late'));
    expect(await rotateKey(world.db, world.sealer, next)).toBe(1);
    expect((await readSecret(world.db, next, 'cluster/late', 'ssh'))?.reveal()).toBe('late');
  });

  test('a secret under a third key stops it, named by its key, and changes nothing', async () => {
    const third = new Sealer(new Secret('a key that nobody gave, long enough'));
    await writeSecret(world.db, third, 'cluster/odd', 'ssh', new Secret('odd'));
    const before = await countKeys(world.db);
    await expect(rotateKey(world.db, next, world.sealer)).rejects.toThrow(`sealed under key ${third.keyId}`);
    expect(await countKeys(world.db)).toEqual(before);
  });
});
