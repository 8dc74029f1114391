import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { now } from '../../db/knex.js';
import { Harness, PASSWORD } from '../api/harness.js';
import { addCluster } from '../api/fixtures.js';
import { buildPage, openBrowser } from './browser.js';
import { addOperation, changeStep } from './operation-rows.js';

const NASTY = `<img src=x onerror="document.title='owned'"><b>bold</b>`;

let h: Harness;
let browser: Browser;
let page: Page;
let operation: string;
let problems: string[];

const text = (selector: string) => page.locator(selector).first().innerText();
/** Pictures to look at, where `CKS_SHOTS` names a folder for them. */
const shot = async (name: string): Promise<void> => {
  const folder = process.env['CKS_SHOTS'];
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
};
const visit = (hash = '') => page.goto(`http://127.0.0.1:${h.port}/${hash}`);
/** The root admin gets the password of the others. */
async function adminPassword(): Promise<void> {
  const { password } = await h.db('user').where({ username: 'user' }).first<{ password: string }>();
  await h.db('user').where({ username: 'admin' }).update({ password });
}
async function signIn(username = 'user', password = PASSWORD): Promise<void> {
  await visit();
  await page.getByLabel('User name').fill(username);
  if (username === 'user') {
    await page.getByText('Domain', { exact: true }).click();
    await page.getByLabel('Path of the domain').fill('/eng/qa');
  }
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

beforeAll(async () => {
  await buildPage();
  [h, browser] = await Promise.all([Harness.start(), openBrowser()]);
  const cluster = await addCluster(h.db, h.users.U, { name: 'alpha', state: 'Starting' });
  operation = await addOperation(h.db, h.users.U, cluster.uuid);
  await addCluster(h.db, h.users.U, {
    name: NASTY,
    state: 'Alert',
    reason: `node <script>alert(1)</script> does not answer`,
  });
});
afterAll(async () => {
  await browser?.close();
  await h?.stop();
});
beforeEach(async () => {
  problems = [];
  const context = await browser.newContext();
  context.setDefaultTimeout(10_000);
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on(
    'console',
    (message) => /Content Security Policy|TrustedHTML/.test(message.text()) && problems.push(message.text()),
  );
});
afterEach(async () => {
  await page.context().close();
  expect(problems).toEqual([]);
});

test('a wrong password is refused in words, and the right one shows the clusters', async () => {
  await signIn('user', 'wrong');
  expect(await text('[role=alert]')).toContain('Failed to authenticate user');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'alpha' }).waitFor();
  await page.getByText('SIMULATED').first().waitFor();
  expect(await page.getByRole('link', { name: 'Settings' }).count()).toBe(0);
});

test('names and reasons with markup are shown as text', async () => {
  await signIn();
  await page.getByRole('link', { name: NASTY }).click();
  await page.getByRole('heading', { name: NASTY }).waitFor();
  expect(await page.locator('main img, main b, main script').count()).toBe(0);
  expect(await text('.notice.bad')).toContain('<script>alert(1)</script>');
  expect(await text('.copy code')).toMatch(/^kubectl --kubeconfig [\w.-]+\.kubeconfig get nodes/);
});

test('the steps of a running operation change while they are watched', async () => {
  await signIn();
  await page.getByRole('link', { name: 'alpha' }).click();
  const running = page.locator('.step.running', { hasText: 'control-1: boot' }).last();
  await running.waitFor();
  expect(await running.innerText()).toContain('attempt 2');
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await changeStep(h.db, operation, 2, { state: 'done', ended: now(h.db), seconds: 3 });
  await changeStep(h.db, operation, 3, { state: 'failed', note: 'the host is out of memory', attempts: 3 });
  await page.locator('.step.done', { hasText: 'control-1: boot' }).waitFor();
  await page.locator('.step.failed .note', { hasText: 'the host is out of memory' }).waitFor();
  await h
    .db('operation')
    .where({ uuid: operation })
    .update({
      state: 'failed',
      ended: now(h.db),
      active_cluster_id: null,
      fault: 'CapacityExhausted',
      reason: 'no host has 2 GB',
    });
  await page.getByText('The operator of this service can fix this').waitFor();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
});

test('the steps of an operation that succeeded are folded away, and a click shows them', async () => {
  const row = h.db('operation').where({ uuid: operation });
  await row.clone().update({ state: 'succeeded', fault: null, reason: null });
  await signIn();
  await page.getByRole('link', { name: 'alpha' }).click();
  const step = page.locator('.step', { hasText: 'control-1: boot' }).last();
  await page.locator('.operation', { hasText: 'succeeded' }).waitFor();
  expect(await step.isVisible()).toBe(false);
  await page.getByText(/^\d+ steps$/).click();
  await step.waitFor();
  await row.clone().update({ state: 'failed', fault: 'CapacityExhausted', reason: 'no host has 2 GB' });
});

test('a delete shows its plan before it is agreed to, and Escape leaves everything alone', async () => {
  await signIn();
  await page.getByRole('link', { name: 'alpha' }).click();
  await page.getByRole('button', { name: 'Delete …' }).click();
  await page.locator('dialog .steps .step').first().waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
});

test('a scale is agreed to with the plan that was shown, and a change of the form drops the plan', async () => {
  const { uuid } = await addCluster(h.db, h.users.U, { name: 'scaled' });
  await signIn();
  await page.getByRole('link', { name: 'scaled' }).click();
  await page.getByRole('button', { name: 'Scale …' }).click();
  const go = page.getByRole('button', { name: 'Scale', exact: true });
  expect(await go.isDisabled()).toBe(true);
  await page.getByLabel('Workers', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.locator('dialog .steps .step').first().waitFor();
  expect(await go.isEnabled()).toBe(true);
  await shot('scale');
  await page.getByLabel('Workers', { exact: true }).fill('50');
  expect(await go.isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Show the plan' }).click();
  expect(await text('dialog [role=alert]')).toContain('cloud.kubernetes.cluster.max.size');
  await page.getByLabel('Workers', { exact: true }).fill('3');
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.locator('dialog .steps .step').first().waitFor();
  await go.click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  const [operation] = await h.db('operation').where({ cluster_id: uuid });
  expect(operation).toMatchObject({ kind: 'scale', ended: null });
  expect(JSON.parse(String(operation.params))).toEqual({ size: 3 });
});

test.each([
  ['Stop', 'Running'],
  ['Start', 'Stopped'],
] as const)('%s of a cluster that is %s begins once its plan is agreed to', async (verb, state) => {
  const { uuid } = await addCluster(h.db, h.users.U, { name: `to-${verb.toLowerCase()}`, state });
  await signIn();
  await page.getByRole('link', { name: `to-${verb.toLowerCase()}` }).click();
  await page.getByRole('button', { name: `${verb} …` }).click();
  await page.locator('dialog .steps .step').first().waitFor();
  await page.getByRole('button', { name: verb, exact: true }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  const begun = await h.db('operation').where({ cluster_id: uuid });
  expect(begun).toMatchObject([{ kind: verb.toLowerCase(), ended: null }]);
});

test('what a state does not allow is marked, says why, and does nothing', async () => {
  await addCluster(h.db, h.users.U, { name: 'asleep', state: 'Stopped' });
  await signIn();
  await page.getByRole('link', { name: 'asleep' }).click();
  const upgrade = page.getByRole('button', { name: 'Upgrade …' });
  expect(await upgrade.getAttribute('title')).toBe('It is Stopped: this needs it to be Running');
  await upgrade.click({ force: true });
  expect(await page.locator('dialog').count()).toBe(0);
  await page.getByRole('button', { name: 'Start …' }).click();
  await page.locator('dialog .steps .step').first().waitFor();
  expect(await page.getByRole('button', { name: 'Start', exact: true }).isEnabled()).toBe(true);
  await shot('start');
});

test('the variables of a CNI configuration get their fields, and a choice per node type is sent', async () => {
  await signIn();
  await page.getByRole('link', { name: 'CNI' }).click();
  await page.getByText('Register a configuration').click();
  await page.getByLabel('Name').fill('calico');
  await page.getByLabel('Content').fill('#!/bin/bash\necho ${POOL} été');
  await page.getByLabel('Variables').fill('POOL');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByRole('row', { name: 'calico' }).waitFor();
  const [row] = await h.db('user_data').where({ account_id: h.users.U.accountId, name: 'calico' });
  expect(Buffer.from(String(row.data), 'base64').toString()).toBe('#!/bin/bash\necho ${POOL} été');
  await shot('cni');
  await page.getByRole('link', { name: 'Clusters', exact: true }).click();
  await page.getByRole('link', { name: 'Create a cluster' }).click();
  await page.getByLabel('Name (required)').fill('with-cni');
  await page.getByText('More', { exact: true }).click();
  await page.getByLabel('CNI configuration').selectOption({ label: 'calico' });
  await page.getByLabel('POOL').fill('10.9.0.0/16');
  await page.getByLabel('Offering: worker nodes').selectOption({ index: 1 });
  const sent = page.waitForRequest((request) => (request.postData() ?? '').includes('dryrun'));
  await page.getByRole('button', { name: 'Show the plan' }).click();
  const body = new URLSearchParams((await sent).postData() ?? '');
  expect(body.get('cniconfigdetails[0].POOL')).toBe('10.9.0.0/16');
  expect(body.get('nodeofferings[0].node')).toBe('worker');
  expect(body.get('nodeofferings[0].offering')).toMatch(/^[\da-f-]{36}$/);
  await page.locator('.steps .step').first().waitFor();
  await shot('create');
});

test('the lists of machines, hosts and versions fit a narrow screen and say what is simulated', async () => {
  await adminPassword();
  await page.setViewportSize({ width: 400, height: 800 });
  await signIn('admin');
  for (const [link, row] of [['Machines', /alpha-control-0/], ['Zones and hosts', /sim-1/], ['Versions', /v1.34.2/]] as const) {
    await page.getByRole('link', { name: link }).click();
    await page.getByRole('row', { name: row }).first().waitFor();
    if (link !== 'Versions') await page.locator('main .badge.simulated').first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    await shot(link.replaceAll(' ', '-'));
  } // prettier-ignore
  await page.getByRole('link', { name: 'Machines' }).click();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByText('Deploy a machine').click();
  await page.getByLabel('Service offering').waitFor();
  await shot('machines-dark');
});

test('an upgrade offers only higher versions of the same minor or the next', async () => {
  const version = await h
    .db('kubernetes_supported_version')
    .where({ semantic_version: '1.33.4' })
    .first<{ uuid: string }>();
  await h
    .db('vm_template')
    .whereIn('uuid', h.db('kubernetes_supported_version').select('iso_id'))
    .update({ state: 'Ready' });
  await addCluster(h.db, h.users.U, { name: 'older', kubernetes_version_id: version.uuid });
  await signIn();
  await page.getByRole('link', { name: 'older' }).click();
  await page.getByRole('button', { name: 'Upgrade …' }).click();
  const offered = await page.getByLabel('Kubernetes version').locator('option').allInnerTexts();
  expect(offered.map((each) => each.replace(/^v/, '').slice(0, 6))).toEqual(['1.34.2', '1.34.1']);
  await shot('upgrade');
});

test('a cluster says how to get its kubectl, how to open its dashboard and how to log in to its nodes', async () => {
  const cluster = await addCluster(h.db, h.users.U, { name: "o'reach" });
  await h
    .db('kubernetes_cluster_vm_map')
    .where({ cluster_id: cluster.uuid })
    .update({ kubernetes_node_version: '1.34.2' });
  await signIn();
  await page.getByRole('link', { name: "o'reach" }).click();
  for (const open of ['Get kubectl', 'Open the dashboard', 'Log in to a node']) await page.getByText(open).click();
  const lines = await page.locator('.copy code').allInnerTexts();
  expect(lines).toEqual(
    expect.arrayContaining([
      'curl -fLO https://dl.k8s.io/release/v1.34.2/bin/linux/amd64/kubectl && chmod +x kubectl',
      'kubectl --kubeconfig o_reach.kubeconfig proxy',
      "kubectl --kubeconfig o_reach.kubeconfig -n kubernetes-dashboard get secret kubernetes-dashboard-token -o jsonpath='{.data.token}' | base64 -d",
      'kubectl --kubeconfig o_reach.kubeconfig -n kube-system port-forward service/headlamp 4466:80',
      expect.stringMatching(/^ssh (-p \d+ )?cloud@\d+\.\d+\.\d+\.\d+$/),
    ]),
  );
  await shot('access');
});

test('a root admin disables, enables and deletes versions, and deletes templates; one that is in use stays, and why', async () => {
  const used = await h.db('kubernetes_supported_version').where({ semantic_version: '1.33.4' }).first<{ uuid: string; name: string }>(); // prettier-ignore
  const idle = await h.db('kubernetes_supported_version').where({ semantic_version: '1.34.1' }).first<{ name: string }>(); // prettier-ignore
  await addCluster(h.db, h.users.U, { name: 'user-of-a-version', kubernetes_version_id: used.uuid });
  await adminPassword();
  await signIn('admin');
  await page.getByRole('link', { name: 'Versions' }).click();
  const press = (verb: string, name: string) =>
    page.getByRole('button', { name: `${verb} ${name}`, exact: true }).click();
  await press('Disable', idle.name);
  await page.getByRole('button', { name: `Enable ${idle.name}`, exact: true }).waitFor();
  await shot('versions');
  await press('Enable', idle.name);
  await page.getByRole('button', { name: `Disable ${idle.name}`, exact: true }).waitFor();
  const agree = () => page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await press('Delete', used.name);
  await agree();
  expect(await text('dialog .notice.bad')).toContain('user-of-a-version use it');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await press('Delete', idle.name);
  await agree();
  await page.getByRole('button', { name: `Delete ${idle.name}`, exact: true }).waitFor({ state: 'detached' });
  const [template] = await h.db('vm_template').where({ kind: 'TEMPLATE' }).whereNull('removed').select<{ name: string; uuid: string }[]>('name', 'uuid'); // prettier-ignore
  await press('Delete', template!.name);
  await agree();
  expect(await text('dialog .notice.bad')).toMatch(/use/);
});

test('a private key is shown once', async () => {
  await signIn();
  await page.getByRole('link', { name: 'Key pairs' }).click();
  await page.getByLabel('Name').fill('laptop');
  await page.getByRole('button', { name: 'Add' }).click();
  expect(await text('dialog pre')).toContain('PRIVATE KEY');
  await page.getByRole('button', { name: 'I have it' }).click();
  // The dialog goes with its close event, which comes after the click.
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.getByRole('row', { name: 'laptop' }).waitFor();
  expect(await page.content()).not.toContain('PRIVATE KEY');
});

test('the form of a create comes from the API, and a refusal is shown in its words', async () => {
  await signIn();
  await page.getByRole('link', { name: 'Create a cluster' }).click();
  await page.getByLabel('Name (required)').fill('many');
  expect(await page.getByLabel('Zone').innerText()).toContain('sim-1 (SIMULATED)');
  expect(await page.getByLabel(/registry/i).count()).toBe(0);
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.locator('.steps .step').first().waitFor();
  await page.getByLabel('Workers').fill('50');
  await page.getByRole('button', { name: 'Create' }).click();
  expect(await text('[role=alert]')).toMatch(/\b10\b/);
});

test('a root admin changes a setting', async () => {
  await adminPassword();
  await signIn('admin');
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Part of a name').fill('node.boot');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Edit cks.node.boot.timeout' }).click();
  await page.getByLabel('Value').fill('901');
  await page.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('row', { name: /cks.node.boot.timeout/ })
    .getByText('901', { exact: true })
    .waitFor();
});

test('an ended session leads back to the sign-in form', async () => {
  await signIn();
  await page.getByRole('link', { name: 'alpha' }).waitFor();
  await h.db('session').del();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('every part of the page comes with a strict policy, and /client leads to it', async () => {
  for (const path of ['/', '/ui/main.js', '/ui/style.css', '/ui/icon.svg']) {
    const { status, headers } = await h.raw({ path });
    expect([path, status]).toEqual([path, 200]);
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
  }
  expect((await h.raw({ path: '/client' })).headers.location).toBe('/');
  expect((await h.raw({ path: '/ui/main.ts' })).status).toBe(404);
});
