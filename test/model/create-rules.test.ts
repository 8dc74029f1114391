import {
  offeringPerType,
  refuseCreate,
  type CreateFactsFromRows,
  type CreateWish,
  type OfferingFacts,
} from '../../workflows/model/create-rules.js';

const offering = (uuid: string, cpu: number, ramMb: number): [string, OfferingFacts] => [
  uuid,
  { uuid, name: uuid, cpu, ramMb },
];

const WISH: CreateWish = {
  name: 'demo', size: 2, controlNodes: 1, etcdNodes: 0, rootDiskGb: undefined, externalBalancer: undefined, keypair: undefined, registry: [undefined, undefined, undefined],
  hypervisor: undefined, networkGiven: false, nodeOfferings: [], nodeTemplates: [],
}; // prettier-ignore
const VERSION = {
  name: 'v1.34.2',
  semantic: '1.34.2',
  enabled: true,
  zoneId: null as string | null,
  minCpu: 2,
  minRamMb: 2048,
  isoReady: true,
};
const HOST = {
  id: 'h',
  name: 'host-1',
  hypervisor: 'KVM',
  arch: 'x86_64',
  enabled: true,
  freeCpus: 64,
  freeRamMb: 65536,
  controls: 0,
};
const FACTS: CreateFactsFromRows = {
  endpointUrl: 'http://192.0.2.1:8080/client/api',
  maxSize: 10,
  experimental: false,
  zone: { name: 'z', enabled: true, uuid: 'zone' },
  networkOffering: { name: 'n', problem: undefined },
  version: VERSION,
  offerings: new Map([
    offering('small', 2, 2048),
    offering('large', 8, 16384),
    offering('one-cpu', 1, 4096),
    offering('thin', 2, 1024),
  ]),
  defaultOffering: 'small',
  keypairExists: true,
  template: { arch: 'x86_64' },
  templates: new Map([
    ['ready', { name: 'ready', usable: true }],
    ['plain', { name: 'plain', usable: false }],
  ]),
  network: undefined,
  hosts: [HOST],
};

interface Change {
  wish?: Partial<CreateWish>;
  facts?: Partial<CreateFactsFromRows>;
}
const refusalOf = ({ wish, facts }: Change) => refuseCreate({ ...WISH, ...wish }, { ...FACTS, ...facts });
const version = (more: Partial<typeof VERSION>): Change => ({ facts: { version: { ...VERSION, ...more } } });
const registry = ['user', 'password', 'https://registry.example'];

/** Rule numbers: the table of checks that the original makes of a CloudManaged create. */
const REFUSED: [string, Change, string][] = [
  ['3: endpoint.url is empty', { facts: { endpointUrl: ' ' } }, 'The setting endpoint.url is " ", which nodes cannot reach: set it to an address of this API that they can'],
  ['3: endpoint.url is localhost', { facts: { endpointUrl: 'http://LocalHost:8080/client/api' } }, 'The setting endpoint.url is "http://LocalHost:8080/client/api", which nodes cannot reach: set it to an address of this API that they can'],
  ['3: endpoint.url is a loopback address', { facts: { endpointUrl: 'http://127.0.0.1/client/api' } }, 'The setting endpoint.url is "http://127.0.0.1/client/api", which nodes cannot reach: set it to an address of this API that they can'],
  ['3: endpoint.url is the loopback of IPv6', { facts: { endpointUrl: 'http://[::1]/client/api' } }, 'The setting endpoint.url is "http://[::1]/client/api", which nodes cannot reach: set it to an address of this API that they can'],
  ['4: a root disk that is too small', { wish: { rootDiskGb: 7 } }, 'noderootdisksize must be 8 GB or more, found 7'],
  ['5: an offering without a node type', { wish: { nodeOfferings: [{ node: undefined, offering: 'small' }] } }, 'nodeofferings: every entry needs node and offering, found node= offering=small'],
  ['5: a node type without an offering', { wish: { nodeOfferings: [{ node: 'worker', offering: undefined }] } }, 'nodeofferings: every entry needs node and offering, found node=worker offering='],
  ['5: an unknown node type', { wish: { nodeOfferings: [{ node: 'master', offering: 'small' }] } }, 'nodeofferings: node must be control, worker or etcd, found "master"'],
  ['5: an unknown offering', { wish: { nodeOfferings: [{ node: 'worker', offering: 'none' }] } }, 'nodeofferings: there is no service offering none'],
  ['6: an empty name', { wish: { name: '  ' } }, 'Invalid name for the Kubernetes cluster: it is empty'],
  ['6: no control node', { wish: { controlNodes: 0 } }, 'Invalid cluster control nodes count: expected 1 or more, found 0'],
  ['6: no size', { wish: { size: undefined } }, 'Invalid cluster size: expected 1 worker or more, found none'],
  ['6: a size of nothing', { wish: { size: 0 } }, 'Invalid cluster size: expected 1 worker or more, found 0'],
  ['6: a negative size', { wish: { size: -1 } }, 'Invalid cluster size: expected 1 worker or more, found -1'],
  ['7: more nodes than the owner may have', { wish: { controlNodes: 3, size: 8 } }, 'Invalid cluster size: 3 control nodes and 8 workers are more than the 10 that cloud.kubernetes.cluster.max.size allows'],
  ['6: fewer than no etcd nodes', { wish: { etcdNodes: -1 } }, 'Invalid etcd nodes count: expected 0 or more, found -1'],
  ['8: an unknown zone', { facts: { zone: undefined } }, 'Unable to find the zone'],
  ['8: a disabled zone', { facts: { zone: { name: 'z', enabled: false, uuid: 'zone' } } }, 'Cannot perform this operation, zone z is currently disabled'],
  ['9: an unusable network offering', { facts: { networkOffering: { name: 'n', problem: 'network offering n is Disabled' } } }, 'Kubernetes service has not been configured properly to provision Kubernetes clusters: network offering n is Disabled'],
  ['10: no version', { facts: { version: undefined } }, 'Unable to find the given Kubernetes version: kubernetesversionid must name a supported version'],
  ['10: a disabled version', version({ enabled: false }), 'Kubernetes version v1.34.2 is not enabled: expected state Enabled, found Disabled'],
  ['10: a version of another zone', version({ zoneId: 'other' }), 'Kubernetes version v1.34.2 is not available in zone z'],
  ['11: two control nodes of a version before 1.16', { wish: { controlNodes: 2 }, ...version({ semantic: '1.15.9', name: 'old' }) }, 'HA support is available only for Kubernetes version 1.16.0 and above, old is 1.15.9'],
  ['12: a medium that is not there', version({ isoReady: false }), 'The medium of Kubernetes version v1.34.2 is not ready in zone z: expected isostate Ready'],
  ['13: no offering for workers', { facts: { defaultOffering: undefined } }, 'No service offering for worker nodes: give serviceofferingid, or one in nodeofferings'],
  ['13: no offering for control nodes', { wish: { nodeOfferings: [{ node: 'worker', offering: 'small' }] }, facts: { defaultOffering: undefined } }, 'No service offering for control nodes: give serviceofferingid, or one in nodeofferings'],
  ['13: no offering for etcd nodes', { wish: { etcdNodes: 1, nodeOfferings: ['worker', 'control'].map((node) => ({ node, offering: 'small' })) }, facts: { defaultOffering: undefined } }, 'No service offering for etcd nodes: give serviceofferingid, or one in nodeofferings'],
  ['13: an offering of one CPU', { wish: { nodeOfferings: [{ node: 'control', offering: 'one-cpu' }] } }, 'Service offering one-cpu for control nodes has 1 CPUs: Kubernetes version v1.34.2 needs 2 or more'],
  ['13: an offering of 1 GB', { wish: { nodeOfferings: [{ node: 'worker', offering: 'thin' }] } }, 'Service offering thin for worker nodes has 1024 MB: Kubernetes version v1.34.2 needs 2048 MB or more'],
  ['13: an offering below the version’s CPUs', version({ minCpu: 4 }), 'Service offering small for worker nodes has 2 CPUs: Kubernetes version v1.34.2 needs 4 or more'],
  ['13: an offering below the version’s memory', version({ minRamMb: 4096 }), 'Service offering small for worker nodes has 2048 MB: Kubernetes version v1.34.2 needs 4096 MB or more'],
  ['13: two CPUs are needed also where the version says less', { wish: { nodeOfferings: [{ node: 'worker', offering: 'one-cpu' }] }, ...version({ minCpu: 1 }) }, 'Service offering one-cpu for worker nodes has 1 CPUs: Kubernetes version v1.34.2 needs 2 or more'],
  ['14: an unknown key pair', { wish: { keypair: 'mine' }, facts: { keypairExists: false } }, `There is no SSH key pair named "mine" in the owner's account`],
  ['15: a registry without its password', { wish: { registry: ['user', undefined, 'https://registry.example'] } }, 'The private registry needs all of dockerregistryusername, dockerregistrypassword and dockerregistryurl, or none'],
  ['16 and 22: a network that cannot be used', { facts: { network: { name: 'n', shared: false, problem: 'Network n is already in use by Kubernetes cluster other' } } }, 'Network n is already in use by Kubernetes cluster other'],
  ['17: a balancer that is no address', { wish: { externalBalancer: 'lb.example' } }, 'externalloadbalanceripaddress must be an IP address, found "lb.example"'],
  ['17: a balancer outside a shared network', { wish: { externalBalancer: '192.0.2.7' } }, 'externalloadbalanceripaddress can be given for shared networks only'],
  ['18: a registry while experiments are off', { wish: { registry } }, 'The private registry needs the setting cloud.kubernetes.cluster.experimental.features.enabled'],
  ['21: a template without a node type', { wish: { nodeTemplates: [{ node: undefined, template: 't' }] } }, 'nodetemplates: every entry needs node and template, found node= template=t'],
  ['21: a template for an unknown node type', { wish: { nodeTemplates: [{ node: 'master', template: 't' }] } }, 'nodetemplates: node must be control, worker or etcd, found "master"'],
  ['21: a template that is not there', { wish: { nodeTemplates: [{ node: 'worker', template: 'none' }] } }, 'nodetemplates: there is no template none'],
  ['21: a template that is not for nodes', { wish: { nodeTemplates: [{ node: 'worker', template: 'plain' }] } }, 'nodetemplates: template plain cannot be used for worker nodes: it must be registered with forcks=true and be Ready'],
  ['15: a registry whose URL is none', { wish: { registry: ['user', 'password', 'registry'] }, facts: { experimental: true } }, 'dockerregistryurl must be an http or https URL, found "registry"'],
  ['24: several control nodes on a shared network without a balancer', { wish: { controlNodes: 3, networkGiven: true }, facts: { network: { name: 'n', shared: true, problem: undefined } } }, 'Several control nodes on a shared network need externalloadbalanceripaddress: a balancer of yours for ports 6443 and 2222 on'],
  ['21: no template', { facts: { template: undefined } }, 'Not able to find a template for Kubernetes nodes in zone z: register one with forcks=true'],
  ['20: too little room', { facts: { hosts: [{ ...HOST, freeCpus: 4 }] } }, 'Insufficient capacity in zone z: no host has room for worker machine 3 of 3 (2 CPUs, 2048 MB): host-1: 0 CPUs free'],
  ['20: a hypervisor that no host has', { wish: { hypervisor: 'Xen' } }, 'Insufficient capacity in zone z: no host has room for control machine 1 of 3 (2 CPUs, 2048 MB): host-1: its hypervisor is KVM, not Xen'],
]; // prettier-ignore

const ACCEPTED: [string, Change][] = [
  ['the least that is needed', {}],
  ['a root disk of 8 GB', { wish: { rootDiskGb: 8 } }],
  ['the largest size allowed', { wish: { controlNodes: 3, size: 7 } }],
  ['etcd nodes beyond the largest size: they are not counted', { wish: { controlNodes: 3, size: 7, etcdNodes: 3 } }],
  ['one control node of an old version', version({ semantic: '1.15.9' })],
  ['two control nodes from 1.16.0 on', { wish: { controlNodes: 2 }, ...version({ semantic: '1.16.0' }) }],
  ['a version of the same zone', version({ zoneId: 'zone' })],
  ['node types in any letter case', { wish: { nodeOfferings: [{ node: 'WORKER', offering: 'large' }] } }],
  ['the node type default', { wish: { nodeOfferings: [{ node: 'default', offering: 'small' }] } }],
  ['offerings per type instead of a default one', { wish: { nodeOfferings: ['worker', 'control'].map((node) => ({ node, offering: 'small' })) }, facts: { defaultOffering: undefined } }],
  ['a key pair that exists', { wish: { keypair: 'mine' } }],
  ['a registry where experiments are on', { wish: { registry }, facts: { experimental: true } }],
  ['a balancer on a shared network', { wish: { controlNodes: 3, externalBalancer: '192.0.2.7', networkGiven: true }, facts: { network: { name: 'n', shared: true, problem: undefined } } }],
  ['a template for nodes', { wish: { nodeTemplates: [{ node: 'worker', template: 'ready' }] } }],
  ['a network without a problem', { wish: { networkGiven: true }, facts: { network: { name: 'n', shared: false, problem: undefined } } }],
]; // prettier-ignore

describe('refuseCreate', () => {
  test.each(REFUSED)('refuses rule %s', (_, change, text) => {
    expect(refusalOf(change)).toBe(text);
  });

  test.each(ACCEPTED)('accepts %s', (_, change) => {
    expect(refusalOf(change)).toBeUndefined();
  });

  test('names the rule that comes first when several are broken', () => {
    const everything: Change = {
      wish: { rootDiskGb: 1, name: '', size: 0 },
      facts: { zone: undefined, version: undefined },
    };
    expect(refusalOf(everything)).toBe('noderootdisksize must be 8 GB or more, found 1');
    expect(refusalOf({ ...everything, wish: { name: '', size: 0 } })).toBe(
      'Invalid name for the Kubernetes cluster: it is empty',
    );
    expect(refusalOf({ ...everything, wish: {} })).toBe('Unable to find the zone');
  });

  test('shows no password of a registry', () => {
    const shown = [
      refusalOf({ wish: { registry: ['user', 'hunter2', undefined] } }),
      refusalOf({ wish: { registry: ['user', 'hunter2', 'https://registry.example'] } }),
    ];
    expect(shown.join()).not.toContain('hunter2');
  });
});

test('a node type has its own offering, else the default one (report 27)', () => {
  const offerings = offeringPerType({ ...WISH, nodeOfferings: [{ node: 'Control', offering: 'large' }] }, FACTS);
  expect([...offerings].map(([type, found]) => `${type}=${found?.name}`)).toEqual([
    'default=small',
    'control=large',
    'worker=small',
    'etcd=small',
  ]);
});
