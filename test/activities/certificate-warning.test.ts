import { pino } from 'pino';
import type { Deps } from '../../activities/deps.js';
import { recordCertificates } from '../../activities/certificates.js';
import { probeCluster } from '../../activities/probe-cluster.js';
import { mustReadCluster } from '../../db/clusters.js';
import { nowPlus } from '../../db/knex.js';
import type { ClusterRow } from '../../db/rows.js';
import { addCluster } from '../api/fixtures.js';
import { Harness } from '../api/harness.js';

const DAY = 86_400;
const WARNING = /^its certificates end on \d{4}-\d\d-\d\d: /;

describe('the warning of certificates that end soon', () => {
  let h: Harness;
  let id: string;
  let controls: string[];
  let isSilent: boolean;

  beforeEach(async () => {
    h = await Harness.start();
    isSilent = false;
    const made = await addCluster(h.db, h.users.U, { name: 'c', state: 'Running' }, ['control', 'control', 'worker']);
    id = made.uuid;
    controls = made.machineIds.slice(0, 2);
    await setting('cks.certificate.warning.days', 60);
    await setting('cks.certificate.renew.days', 30);
  });
  afterEach(() => h.stop());

  const setting = (name: string, value: number) => h.call('updateConfiguration', { name, value: String(value) });
  const has = (columns: Partial<ClusterRow>) => h.db('kubernetes_cluster').where({ uuid: id }).update(columns);
  const endIn = (days: number) => has({ certificates_end: nowPlus(h.db, days * DAY) as unknown as string });
  const scan = async () => {
    const listNamespace = () => (isSilent ? Promise.reject(new Error('connection refused')) : Promise.resolve({}));
    const deps = { db: h.db, log: pino({ level: 'silent' }), kubernetes: { open: () => Promise.resolve({ listNamespace }) } }; // prettier-ignore
    await probeCluster(deps as unknown as Deps, await mustReadCluster(h.db, id));
    return (await mustReadCluster(h.db, id)).reason;
  };

  test('appears at cks.certificate.warning.days, not a day before, and says when they are renewed', async () => {
    await endIn(61);
    expect(await scan()).toBeNull();
    await endIn(59.9);
    expect(await scan()).toMatch(WARNING);
    expect(await scan()).toMatch(/: they are renewed 30 days before$/);
    await setting('cks.certificate.renew.days', 0);
    expect(await scan()).toMatch(/: renewing them is off \(cks\.certificate\.renew\.days\)$/);
  });

  test('stands behind what an operation said, once however often the scan looks', async () => {
    await has({ reason: 'the dashboard could not be applied' });
    await endIn(40);
    await scan();
    const reason = String(await scan());
    expect(reason.split(' | ')).toEqual(['the dashboard could not be applied', expect.stringMatching(WARNING)]);
  });

  test('goes once all control nodes have new certificates, and what an operation said stays', async () => {
    const ends = (at: number, days: number) =>
      recordCertificates(h.db, id, controls[at]!, new Date(Date.now() + days * DAY * 1000));
    await has({ reason: 'the dashboard could not be applied' });
    await ends(0, 40);
    await ends(1, 40);
    expect(await scan()).toContain('its certificates end on ');
    await ends(0, 365);
    expect(await scan()).toContain('its certificates end on ');
    await ends(1, 365);
    expect(await scan()).toBe('the dashboard could not be applied');
  });

  test('gives way to an API server that does not answer, and comes back after it', async () => {
    await endIn(40);
    expect(await scan()).toMatch(WARNING);
    isSilent = true;
    expect(await scan()).toMatch(/^its API server does not answer: /);
    expect((await mustReadCluster(h.db, id)).state).toBe('Alert');
    isSilent = false;
    expect(await scan()).toBeNull();
    expect((await mustReadCluster(h.db, id)).state).toBe('Running');
    expect(await scan()).toMatch(WARNING);
  });
});
