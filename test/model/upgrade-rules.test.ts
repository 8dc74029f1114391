import { refuseUpgrade, type UpgradeFacts } from '../../workflows/model/upgrade-rules.js';

const WANTED = { id: 'b', name: 'v1.34.2', semantic: '1.34.2', enabled: true, isoReady: true, minCpu: 2, minRamMb: 2048, removed: false }; // prettier-ignore
const FACTS: UpgradeFacts = {
  endpointUrl: 'http://192.0.2.1:8080/client/api',
  current: { id: 'a', semantic: '1.33.5' },
  target: null,
  wanted: WANTED,
  offerings: [{ name: 'small', cpus: 2, ramMb: 2048 }],
};
const to = (semantic: string): Partial<UpgradeFacts> => ({ wanted: { ...WANTED, semantic } });

describe('an upgrade is refused', () => {
  test.each<[string, Partial<UpgradeFacts>, string]>([
    ['with a local endpoint', { endpointUrl: 'http://localhost:8080/client/api' }, 'endpoint.url'],
    ['to a version that is not there', { wanted: undefined }, 'Invalid Kubernetes version'],
    ['to a version that was deleted', { wanted: { ...WANTED, removed: true } }, 'Invalid Kubernetes version'],
    ['to a version that is disabled', { wanted: { ...WANTED, enabled: false } }, 'expected state Enabled, found Disabled'],
    ['to a version whose medium is not ready', { wanted: { ...WANTED, isoReady: false } }, 'expected isostate Ready'],
    ['to a version that needs more CPUs', { wanted: { ...WANTED, minCpu: 4 } }, 'Service offering small has 2 CPUs'],
    ['to a version that needs more memory', { wanted: { ...WANTED, minRamMb: 4096 } }, 'needs 2 and 4096'],
    [
      'when one role of several has too few CPUs, and another less memory',
      {
        wanted: { ...WANTED, minCpu: 4 },
        offerings: [{ name: 'narrow', cpus: 4, ramMb: 2048 }, { name: 'wide', cpus: 2, ramMb: 8192 }],
      },
      'Service offering wide has 2 CPUs',
    ],
    ['of a cluster without a version', { current: null }, 'has no Kubernetes version'],
    ['two minors up', to('1.35.0'), 'from 1.33.5 not to 1.35.0'],
    ['to the next major', to('2.0.0'), 'from 1.33.5 not to 2.0.0'],
    ['to the next major with a lower minor', to('2.33.5'), 'not to 2.33.5'],
    ['to a lower patch', to('1.33.4'), '1.33.4 is lower than 1.33.5'],
    ['to a lower minor', to('1.32.9'), '1.32.9 is lower'],
    ['to a third version while one has begun', { target: { id: 'c', semantic: '1.34.0' } }, 'MixedVersions: an upgrade to 1.34.0 has begun'],
  ])('%s', (_, facts, words) => {
    expect(refuseUpgrade({ ...FACTS, ...facts })).toContain(words);
  }); // prettier-ignore
});

describe('an upgrade goes ahead', () => {
  test.each<[string, Partial<UpgradeFacts>]>([
    ['to the next minor', {}],
    ['to a higher patch', to('1.33.10')],
    ['to the same version', to('1.33.5')],
    ['to the next minor with a lower patch', to('1.34.0')],
    ['to the version that has begun', { target: { id: 'b', semantic: '1.34.2' } }],
    ['of a cluster that has offerings per role only (report 12)', { offerings: [{ name: 'c', cpus: 2, ramMb: 2048 }, { name: 'w', cpus: 8, ramMb: 8192 }] }],
  ])('%s', (_, facts) => {
    expect(refuseUpgrade({ ...FACTS, ...facts })).toBeUndefined();
  }); // prettier-ignore
});
