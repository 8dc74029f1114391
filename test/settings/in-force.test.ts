import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { kubernetesActivities } from '../../activities/kubernetes/index.js';
import { scanActivities } from '../../activities/scan.js';
import { zoneScanActivities } from '../../activities/zone-scan.js';
import { probeCluster } from '../../activities/probe-cluster.js';
import type { Deps } from '../../activities/deps.js';
import { mustReadCluster } from '../../db/clusters.js';
import { readSettings } from '../../db/configuration.js';
import { millis, nowPlus, transact } from '../../db/knex.js';
import { claimOperation, queueOperation, readAttemptSettings, settleOperation } from '../../db/operations.js';
import type { ClusterRow, HostRow } from '../../db/rows.js';
import type { SettingName } from '../../workflows/model/settings.js';
import { addCluster } from '../api/fixtures.js';
import { Harness } from '../api/harness.js';

let h: Harness;
beforeEach(async () => {
  h = await Harness.start();
});
afterEach(() => h.stop());

/** As an operator does it. */
async function change(name: SettingName, value: string, more: Record<string, string> = {}): Promise<void> {
  const reply = await h.call('updateConfiguration', { name, value, ...more });
  expect(reply.status).toBe(200);
}

/** An operation on the cluster that is asked for now. */
const queued = (clusterId: string, kind: 'stop' | 'scale' | 'delete', command: string) =>
  transact(h.db, async (trx) =>
    queueOperation(trx, {
      kind,
      cluster: await mustReadCluster(trx, clusterId),
      caller: { accountId: h.users.U.accountId, userId: h.users.U.userId },
      settings: await readSettings(trx),
      command,
    }),
  );

describe('a create', () => {
  const first = async (command: string, key: string) => (await h.call(command)).content[key][0].id as string;
  const plan = async (more: Record<string, string> = {}): Promise<string> => {
    const reply = await h.call('createKubernetesCluster', {
      name: 'c', size: '2', dryrun: 'true', ...more,
      zoneid: await first('listZones', 'zone'),
      kubernetesversionid: await first('listKubernetesSupportedVersions', 'kubernetessupportedversion'),
      serviceofferingid: await first('listServiceOfferings', 'serviceoffering'),
    }); // prettier-ignore
    return reply.status === 200 ? 'accepted' : (reply.content.errortext as string);
  };

  test('is as large as cloud.kubernetes.cluster.max.size allows, for everyone and for an account', async () => {
    expect(await plan()).toBe('accepted');
    await change('cloud.kubernetes.cluster.max.size', '2');
    expect(await plan()).toContain('more than the 2 that cloud.kubernetes.cluster.max.size');
    await change('cloud.kubernetes.cluster.max.size', '3', { accountid: h.users.A.accountId });
    expect(await plan()).toBe('accepted');
  });

  test('takes the network offering that cloud.kubernetes.cluster.network.offering names', async () => {
    await change('cloud.kubernetes.cluster.network.offering', 'none-such');
    expect(await plan()).toContain('none-such');
  });

  test('takes a registry when cloud.kubernetes.cluster.experimental.features.enabled says so', async () => {
    const registry = {
      dockerregistryusername: 'u',
      dockerregistrypassword: 'p',
      dockerregistryurl: 'https://registry.example',
    };
    expect(await plan(registry)).toContain('cloud.kubernetes.cluster.experimental.features.enabled');
    await change('cloud.kubernetes.cluster.experimental.features.enabled', 'true');
    expect(await plan(registry)).toBe('accepted');
  });
});

test('an attempt keeps the values with which it began, the next one has the new ones', async () => {
  const { uuid } = await addCluster(h.db, h.users.U, { name: 'c' });
  const setting = 'cks.node.drain.timeout';
  await change(setting, '11');
  const { operationId } = await queued(uuid, 'stop', 'stopKubernetesCluster');
  await change(setting, '12');
  const claim = await claimOperation(h.db, operationId, 'a run');
  expect(claim).toMatchObject({ settings: { [setting]: 11 } });
});

test('the components of a cluster are given the endpoint.url with which the attempt began', async () => {
  const { uuid: clusterId } = await addCluster(h.db, h.users.U, { name: 'c' });
  const address = 'https://cks.example/client/api';
  await change('endpoint.url', address);
  const { operationId } = await queued(clusterId, 'scale', 'scaleKubernetesCluster');
  await change('endpoint.url', 'https://other.example/client/api');
  const written: string[] = [];
  const api = {
    createNamespacedSecret: ({ body }: { body: { stringData: Record<string, string> } }) =>
      Promise.resolve(written.push(...Object.values(body.stringData))),
  };
  const steps = kubernetesActivities({
    db: h.db,
    sealer: h.sealer,
    kubernetes: { open: () => Promise.resolve(api) },
  } as unknown as Deps);
  await steps.ensureCloudSecret({ operationId, clusterId, line: 1, undo: false });
  expect(written).toEqual([expect.stringContaining(`api-url = ${address}\n`)]);
});

test('a delete that the scan takes up again has the settings of that time', async () => {
  const { uuid: clusterId } = await addCluster(h.db, h.users.U, { name: 'c' });
  const { operationId } = await queued(clusterId, 'delete', 'deleteKubernetesCluster');
  await claimOperation(h.db, operationId, 'a run');
  await settleOperation(h.db, operationId, {
    end: 'failed', reason: 'a host is down', leftovers: [], failedLines: [], leftoverLines: [],
  }); // prettier-ignore
  await h.db('operation').update({ ended: nowPlus(h.db, -60) });
  await change('cks.machine.timeout', '77');
  const temporal = { workflow: { start: () => Promise.resolve() } } as unknown as Client;
  await scanActivities({ db: h.db, log: pino({ level: 'silent' }), temporal } as unknown as Deps).settleOperations();
  const last = await h.db('operation').orderBy('id', 'desc').first<{ uuid: string; attempt: number }>();
  expect(last.attempt).toBe(2);
  expect(await readAttemptSettings(h.db, last.uuid)).toMatchObject({ 'cks.machine.timeout': 77 });
  expect(await readAttemptSettings(h.db, operationId)).toMatchObject({ 'cks.machine.timeout': 600 });
});

describe('the scan', () => {
  const started: string[] = [];
  const temporal = {
    workflow: { start: async (type: string) => void started.push(type) },
  } as unknown as Client;
  const silent = () => Promise.reject(new Error('connection refused'));
  const answering = {
    open: () => Promise.resolve({ listNamespace: () => Promise.resolve({}) }),
  } as unknown as Deps['kubernetes'];
  const deps = (): Deps =>
    ({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      temporal,
      kubernetes: { open: silent },
      openHypervisor: () => ({ listDomains: silent }),
    }) as unknown as Deps;
  const scan = () => zoneScanActivities(deps());
  const cluster = async (more: Record<string, unknown>) => {
    const made = await addCluster(h.db, h.users.U, { name: 'c' });
    await h.db('kubernetes_cluster').where({ uuid: made.uuid }).update(more);
    return made;
  };
  const zoneId = async () => (await h.db('data_center').first<{ uuid: string }>('uuid')).uuid;

  test('asks an API server again after cks.scan.seconds', async () => {
    await cluster({ state: 'Alert', probed: nowPlus(h.db, -45) });
    await change('cks.scan.seconds', '60');
    expect(await scan().probeClusters(await zoneId())).toBe(0);
    await change('cks.scan.seconds', '20');
    expect(await scan().probeClusters(await zoneId())).toBe(1);
  });

  test('does not ask API servers together for ever that were asked together once', async () => {
    const asked = [];
    for (let i = 0; i < 20; i++) asked.push((await cluster({ state: 'Running' })).uuid);
    await change('cks.scan.seconds', '1000');
    const begin = Date.now();
    await zoneScanActivities({ ...deps(), kubernetes: answering }).probeClusters(await zoneId());
    const rows = await h.db<ClusterRow>('kubernetes_cluster').whereIn('uuid', asked);
    const ago = rows.map(({ probed }) => (begin - millis(probed!)) / 1000);
    expect(Math.max(...ago)).toBeLessThan(1001);
    expect(Math.max(...ago) - Math.min(...ago)).toBeGreaterThan(100);
  });

  test('takes a silent host for down after cks.host.down.seconds', async () => {
    const host = (await h.db<HostRow>('host').first())!;
    await h
      .db('host')
      .where({ uuid: host.uuid })
      .update({ status: 'Up', last_pinged: nowPlus(h.db, -100) });
    const status = async () => (await h.db<HostRow>('host').where({ uuid: host.uuid }).first())!.status;
    await scan().lookAtHost(host.uuid);
    expect(await status()).toBe('Up');
    await change('cks.host.down.seconds', '50');
    await scan().lookAtHost(host.uuid);
    expect(await status()).toBe('Down');
  });

  test('replaces a worker of a host that is down when cks.auto.replace says so (report 19)', async () => {
    const { uuid } = await cluster({ state: 'Alert' });
    await h.db('host').update({ status: 'Down' });
    const replacements = async () =>
      (await h.db('operation').where({ cluster_id: uuid })).map(({ kind }) => kind as string);
    await scan().settleClusters(await zoneId());
    expect(await replacements()).toEqual([]);
    await change('cks.auto.replace', 'true');
    await scan().settleClusters(await zoneId());
    expect(await replacements()).toEqual(['replaceNode']);
  });

  test('ends an Alert once all machines run and the API server answers (report 9)', async () => {
    const { uuid } = await cluster({ state: 'Alert', reason: 'the API server does not answer' });
    const look = async () => {
      await probeCluster({ ...deps(), kubernetes: answering }, await mustReadCluster(h.db, uuid));
      return (await mustReadCluster(h.db, uuid)).state;
    };
    await h.db('vm_instance').where({ vm_type: 'cksnode' }).update({ state: 'Stopped' });
    expect(await look()).toBe('Alert');
    await h.db('vm_instance').where({ vm_type: 'cksnode' }).update({ state: 'Running' });
    expect(await look()).toBe('Running');
  });

  test('warns of certificates from cks.certificate.warning.days on, and renews them from cks.certificate.renew.days on (report 22)', async () => {
    const { uuid } = await cluster({ certificates_end: nowPlus(h.db, 40 * 86_400) });
    const look = async () => {
      await h.db('kubernetes_cluster').where({ uuid }).update({ state: 'Running' });
      await probeCluster({ ...deps(), kubernetes: answering }, await mustReadCluster(h.db, uuid));
      const { reason } = await mustReadCluster(h.db, uuid);
      return {
        warned: /certificates/.test(reason ?? ''),
        operations: await h.db('operation').where({ cluster_id: uuid, kind: 'renew' }),
      };
    };
    expect(await look()).toEqual({ warned: true, operations: [] });
    await h.db('kubernetes_cluster').where({ uuid }).update({ reason: null });
    await change('cks.certificate.warning.days', '35');
    expect(await look()).toEqual({ warned: false, operations: [] });
    await change('cks.certificate.renew.days', '45');
    expect((await look()).operations).toHaveLength(1);
  });
});
