import { fileURLToPath } from 'node:url';
import { hostActivities } from '../../activities/hosts.js';
import { simulatorHypervisor } from '../../activities/hypervisor/simulator.js';
import { ZoneFixture } from '../activities/zone-fixture.js';
import { Harness } from '../api/harness.js';
import { TemporalFixture } from '../fakes/temporal.js';

let temporal: TemporalFixture;
let zone: ZoneFixture;
let h: Harness;
beforeAll(async () => {
  temporal = await TemporalFixture.start(fileURLToPath(new URL('../../workflows/probe-host.ts', import.meta.url)));
  zone = await ZoneFixture.start();
  h = await Harness.start({ temporal: () => temporal.env.client });
}, 120_000);
afterAll(async () => {
  await h?.stop();
  await zone?.stop();
  await temporal?.stop();
});

test('from the command through Temporal and a worker to a host and back: what it has, or why it was not reached', async () => {
  const looks = hostActivities({ db: h.db, sealer: h.sealer, openHypervisor: ({ url }) => simulatorHypervisor(url) });
  const zoneid = (await h.db('data_center').first<{ uuid: string }>('uuid')).uuid;
  await temporal.withWorker({ ...looks }, async () => {
    const added = await h.call('addHost', { zoneid, url: zone.at('rack-1') });
    expect(added.content).toMatchObject({ count: 1, host: [{ name: 'rack-1', state: 'Up', cpunumber: 4096, arch: 'x86_64' }] }); // prettier-ignore
    await zone.fault({ on: 'hypervisor', match: 'host.facts', kind: 'failForGood', times: 1 });
    const failed = await h.call('addHost', { zoneid, url: zone.at('rack-2') });
    expect([failed.status, failed.content.errortext]).toEqual([530, expect.stringContaining('simulated rack-2')]);
    const gone = await h.call('addHost', { zoneid, url: 'simulator://127.0.0.1:1/rack-3' });
    expect([gone.status, gone.content.errortext]).toEqual([534, expect.stringContaining('simulated rack-3 at 127.0.0.1:1 does not answer')]); // prettier-ignore
    const listed = await h.call('listHosts', { keyword: 'rack' });
    expect(listed.content).toMatchObject({ count: 1, host: [{ name: 'rack-1' }] });
  });
});
