import { Harness, PASSWORD } from '../api/harness.js';
import { addCluster } from '../api/fixtures.js';
import { buildPage, openBrowser } from './browser.js';
import { addOperation } from './operation-rows.js';
import { now } from '../../db/knex.js';
test('shots', async () => {
  await buildPage();
  const h = await Harness.start();
  const browser = await openBrowser();
  const u = h.users.A;
  const other = await h.db('user').where({ username: 'other' }).first();
  await h.db('user').where({ username: 'admin' }).update({ password: other.password });
  const c = await addCluster(h.db, u, { name: 'production-eu', state: 'Starting', endpoint: null as never });
  await addOperation(h.db, u, c.uuid);
  await addOperation(h.db, u, c.uuid, { state: 'failed', ended: now(h.db), fault: 'CapacityExhausted', reason: 'no host has 2 CPU and 2048 MB free for worker-1: kvm-1 has 1 CPU, kvm-2 has 512 MB' });
  await addCluster(h.db, u, { name: `<img src=x onerror=alert(1)> "quoted" & very long name that should wrap somewhere`, state: 'Alert', reason: 'worker-3 is NotReady after 10 min: kubelet cannot pull pause:3.10' });
  for (let i = 0; i < 24; i++) await addCluster(h.db, u, { name: `team-${i}`, state: 'Running' });
  const opId = (await h.db('operation').where({state:'running'}).first()).uuid;
  await h.db('operation').whereNot({uuid: opId}).update({ id: 999 }).catch(()=>0);
  for (const [name, opts] of Object.entries({ light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } }, dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }, phone: { colorScheme: 'light', viewport: { width: 375, height: 800 } } } as const)) {
    const page = await (await browser.newContext(opts)).newPage();
    page.setDefaultTimeout(8000);
    const url = `http://127.0.0.1:${h.port}/`;
    await page.goto(url);
    const shot = (what: string, fullPage = true) => page.screenshot({ path: `/tmp/shots/${name}-${what}.png`, fullPage });
    await shot('signin');
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('tbody tr').first().waitFor();
    await page.waitForTimeout(700);
    await shot('clusters', false);
    await page.goto(`${url}#/clusters/${c.uuid}`);
    await page.locator('.step').first().waitFor();
    await page.waitForTimeout(700);
    await shot('cluster');
    await page.getByRole('button', { name: 'Delete …' }).click();
    await page.locator('dialog .step').first().waitFor();
    await shot('delete', false);
    await page.keyboard.press('Escape');
    for (const place of ['create', 'events', 'keys', 'settings']) {
      await page.goto(`${url}#/${place}`);
      await page.waitForTimeout(900);
      await shot(place, place === 'create');
    }
    if (name === 'light') { await page.getByRole('button', { name: 'Edit cks.node.boot.timeout' }).first().click().catch(() => 0); await shot('edit', false); }
  }
  await browser.close();
  await h.stop();
}, 120000);
