import { hashPassword, newKey, verifyPassword } from '../../db/accounts.js';

test('a password is known by its hash, and every hash is another one', async () => {
  const [first, second] = [await hashPassword('geheim'), await hashPassword('geheim')];
  expect(first).toMatch(/^scrypt\$16384\$[\w+/=]+\$[\w+/=]+$/);
  expect(first).not.toBe(second);
  expect(await verifyPassword('geheim', first)).toBe(true);
  expect(await verifyPassword('Geheim', first)).toBe(false);
});

test('what is no hash lets nobody in', async () => {
  for (const stored of [undefined, '', 'geheim', 'scrypt$1$$', 'scrypt$16384$x$', 'md5$1024$a$b'])
    expect(await verifyPassword('geheim', stored)).toBe(false);
});

test('keys have the original’s form', () => {
  expect(newKey()).toMatch(/^[\w-]{86}$/);
});
