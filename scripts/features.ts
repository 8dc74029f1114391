/** A test: its file below `test/`, and its whole title as it is written there. */
export type Proof = readonly [file: string, title: string];

export interface Feature {
  /** In the words of this project. */
  what: string;
  /** Cases of `lab/results.json` that passed: real kubeadm, containerd and libvirt; nodes are LXC containers. */
  lab?: readonly string[];
  /** Tests in which the whole service, or its drivers, work on the simulated zone. */
  zone?: readonly Proof[];
  /** Tests of one part alone: the rules, the API, the node's program, the gateway. */
  parts?: readonly Proof[];
  /** What of it is not built, or is built and has no proof. */
  lacks?: string;
  /** Nothing of it is built; `lacks` says what there is instead. */
  absent?: true;
}

const LAB_CREATE = 'create 1+1: nodes Ready, CoreDNS runs, a pod serves through a service; delete leaves nothing';
const LAB_STOP = 'stop and start: machines off, then nodes Ready by name, and a pod serves again';
const LAB_SCALE = 'scale to 1+2 and back: the leaving worker is drained, the workload stays within its budget';
const LAB_OWN = "a machine of the user's own becomes a worker, and leaves again drained and reset, running as before";
const LAB_CNI =
  'create 1+1 with a CNI configuration: a cloud-config fragment, its parameters filled, in place of the default network';
const LAB_REGISTRY =
  "create 1+1 with a private registry: pods run an image of it by containerd's own files, without a secret";
const LAB_CONTROL =
  'create 3+1 and lose the first control node: the API goes on behind the balancer, a replacement takes its place, and all three are upgraded';
const LAB_UPGRADE =
  'upgrade to the next minor, the worker killed during it: every node Ready at it, the workload never below its budget';
const LAB_ETCD =
  'create 1+1 with three etcd nodes: the cluster lives in them over TLS, and goes on without one of them';
const LAB_POLICY =
  'create 1+1 with a NetworkPolicy against metadata servers: it is there, its health says that Flannel enforces none, and pods serve';
const LAB_KILLS =
  'an etcd node, a machine of the user’s own added and removed, stop, start with new certificates: the worker killed at 20 random moments, SSH cut in between, and each run begins once';
const LIFE: Proof = ['stack/lifecycle.test.ts', 'grows, shrinks, stops, starts, is upgraded, gets a node replaced, and goes without a trace']; // prettier-ignore
const LARGE: Proof = ['stack/lifecycle.test.ts', 'with three control nodes and etcd of its own is scaled to larger machines, upgraded and loses a control node']; // prettier-ignore
const FULL_HOST: Proof = ['stack/lifecycle.test.ts', 'given a larger offering replaces the worker whose host is full, and resumed goes on with what it began, though the room is gone']; // prettier-ignore
const MEDIUM: Proof = ['stack/version-media.test.ts', 'is fetched with a percentage, checked, kept once per pool, installed from, disabled, enabled and deleted']; // prettier-ignore
const FLEXIBLE: Proof = ['stack/flexible.test.ts', 'has templates, offerings, disks, keys and hosts as they were asked for, is scaled stopped, and takes a user’s machine in and lets it go']; // prettier-ignore
const IMPORTED: Proof = ['stack/flexible.test.ts', 'takes in a domain that was there before, for what its guest has, lets it go as it was, and refuses one that is too small']; // prettier-ignore
const COMPONENTS: Proof = ['stack/flexible.test.ts', 'has components with a health of their own, and runs without the one that cannot be installed']; // prettier-ignore
const SHARED: Proof = ['stack/flexible.test.ts', 'lives in a shared network: its nodes at their own addresses, its API server at the balancer of the user; it grows, shrinks and goes']; // prettier-ignore
const VPC: Proof = ['stack/vpc.test.ts', 'each have a tier, an address of their own and their rules in its ACL; they grow and shrink, and one that goes leaves the other alone']; // prettier-ignore

/** What the documentation of CloudStack's Kubernetes service describes, section by section, and what proves it here. */
export const FEATURES: Readonly<Record<string, readonly Feature[]>> = {
  'The service': [
    { what: 'Machines get Kubernetes by kubeadm from a binaries medium, control node first, workers by a token', lab: [LAB_CREATE] },
    { what: 'A pod network comes with the cluster: flannel here, Weave Net there', lab: [LAB_CREATE] },
    { what: 'A global setting enables the service; it takes effect at a restart', parts: [['api/exchanges.test.ts', 'with cloud.kubernetes.service.enabled off at the start, the Kubernetes commands do not exist']] },
    { what: 'A web page next to the API: list, create, scale, upgrade, stop, start, delete', parts: [['ui/page.test.ts', 'the form of a create comes from the API, and a refusal is shown in its words'], ['ui/page.test.ts', 'a scale is agreed to with the plan that was shown, and a change of the form drops the plan'], ['ui/page.test.ts', 'an upgrade offers only higher versions of the same minor or the next'], ['ui/page.test.ts', 'a delete shows its plan before it is agreed to, and Escape leaves everything alone'], ['ui/page.test.ts', '%s of a cluster that is %s begins once its plan is agreed to']] },
    { what: 'Nodes on VMware (full clones, medium mounted on the router)', absent: true, lacks: 'libvirt hosts only; `mountcksisoonvr` is accepted and not needed' },
  ],
  'Supported versions': [
    { what: 'A script makes the binaries medium of a version', lab: [LAB_CREATE], zone: [MEDIUM], parts: [['scripts/create-iso.test.ts', 'has the layout that nodes expect, and is taken as a medium of its version']] },
    { what: 'The script adds etcd, for clusters with etcd nodes', lab: [LAB_ETCD], parts: [['scripts/create-iso.test.ts', 'holds etcd when its version is %s']] },
    { what: 'A root admin adds a version: name, semantic version, zone, URL, least CPUs and memory', lab: [LAB_CREATE], zone: [MEDIUM], parts: [['api/versions.test.ts', 'answers with the version, enabled, and its ISO not downloaded'], ['api/versions.test.ts', 'is for root admins']] },
    { what: 'A checksum of the medium is checked', zone: [['stack/version-media.test.ts', 'with another checksum than the file’s is Failed, with what was expected and what was found, and is nowhere']], parts: [['activities/fetch.test.ts', 'that is wrong is refused for good with what was expected and found, and nothing of the file stays']] },
    { what: 'A medium is uploaded instead', zone: [['stack/version-media.test.ts', 'is uploaded to the address that the API gives, once, with its signature']] },
    { what: 'Versions are listed with the state of their medium', zone: [MEDIUM], parts: [['api/versions.test.ts', 'follows the copies: Creating with a percentage, Failed with the reason, Ready']] },
    { what: 'A version is enabled and disabled', zone: [MEDIUM], parts: [['api/versions.test.ts', 'enables and disables, the same again too; other states and deleted versions are refused'], ['model/create-rules.test.ts', '10: a disabled version']] },
    { what: 'A version that no cluster uses is deleted', zone: [MEDIUM], parts: [['stack/version-media-libvirt.test.ts', 'is fetched once for the pool that they share, taken by a running machine, let go, and deleted with the version'], ['api/versions.test.ts', 'takes the version and its ISO out of the lists; a second time its job fails'], ['api/versions.test.ts', 'is refused in the job while clusters run the version or are brought to it, with their names']] },
  ],
  'Creating clusters': [
    { what: 'A cluster with one control node and workers', lab: [LAB_CREATE], zone: [['stack/worker-killed.test.ts', 'inside every step of a create: the create goes on by itself and makes nothing twice']] },
    { what: 'Several control nodes behind a balancer', lab: [LAB_CONTROL], zone: [LARGE], parts: [['gateway/packets.test.ts', 'a dead control node is out of the balancer in under 5 s (report 23)'], ['model/create-rules.test.ts', '11: two control nodes of a version before 1.16']] },
    { what: 'An isolated network is made when none is given, with the rules for SSH from 2222 on and 6443', lab: [LAB_CREATE], parts: [['gateway/activities.test.ts', 'a new cluster has its forwards, its firewall rules and its balancer, and a second time changes nothing'], ['settings/in-force.test.ts', 'takes the network offering that cloud.kubernetes.cluster.network.offering names']] },
    { what: 'A cluster in a VPC', parts: [['gateway/activities.test.ts', 'a cluster in a VPC has an address of its own and opens what it needs in the ACL of its tier (report 23)'], ['gateway/packets.test.ts', 'lets in by the ACL of each tier, from outside and from the other tier']], zone: [VPC] },
    { what: 'A cluster on a shared network, with a balancer of its own for several control nodes', parts: [['gateway/activities.test.ts', 'a shared network has no gateway, so nothing is asked of one'], ['model/create-rules.test.ts', 'a balancer on a shared network'], ['model/create-rules.test.ts', '24: several control nodes on a shared network without a balancer']], zone: [SHARED] },
    { what: 'Offerings need 2 CPUs, 2 GB, and what the version asks for', parts: [['model/create-rules.test.ts', '13: an offering of one CPU'], ['model/create-rules.test.ts', '13: an offering of 1 GB'], ['model/create-rules.test.ts', '13: an offering below the version’s CPUs']] },
    { what: 'A root disk size for nodes', zone: [FLEXIBLE], parts: [['model/create-rules.test.ts', '4: a root disk that is too small'], ['model/create-rules.test.ts', 'a root disk of 8 GB']] },
    { what: 'An SSH key pair of the user on the nodes', zone: [FLEXIBLE], parts: [['model/create-rules.test.ts', '14: an unknown key pair'], ['model/create-rules.test.ts', 'a key pair that exists']] },
    { what: 'Clusters for another account, or for a project', parts: [['api/projects.test.ts', 'a member makes something for the project; others are refused at the parameter stage, also by CKS commands']], zone: [VPC] },
    { what: 'A private image registry, behind the setting for experimental features', lab: [LAB_REGISTRY], parts: [['settings/in-force.test.ts', 'takes a registry when cloud.kubernetes.cluster.experimental.features.enabled says so'], ['guest/components.test.ts', 'gets its host file and its credentials; nobody but root reads them, and they are in no log or argument']], zone: [COMPONENTS, ['simulator/lifecycle.test.ts', 'takes the login of a private registry once']], lacks: '`dockerregistryemail` is no parameter' },
    { what: 'A failed create rests in Alert or Error', zone: [['stack/operations.test.ts', 'that fails for good at ${fault} rests with a reason, and a cancel then cleans up']] },
    { what: 'Clusters are listed, one by id or all', parts: [['api/clusters.test.ts', 'a cluster as every client needs it'], ['api/clusters.test.ts', 'a removed cluster lists empty, one that never was is an error']] },
  ],
  'Managing clusters': [
    { what: 'Stop', lab: [LAB_STOP, LAB_KILLS], zone: [LIFE] },
    { what: 'Start', lab: [LAB_STOP, LAB_KILLS], zone: [LIFE] },
    { what: 'Scale a running cluster to another number of workers', lab: [LAB_SCALE], zone: [LIFE], parts: [['model/scale-rules.test.ts', 'another size while Stopped']] },
    { what: 'Scale to a larger offering, running', zone: [LARGE, FULL_HOST], parts: [['model/scale-rules.test.ts', 'a smaller offering, of memory, while Running']] },
    { what: 'Scale a stopped cluster to another offering', zone: [FLEXIBLE], parts: [['workflows/every-step.test.ts', 'its titles are unique, and it runs every step once, none before those that it waits for']] },
    { what: 'Upgrade to a patch of the same minor or the next minor, no further', lab: [LAB_UPGRADE], zone: [LIFE, LARGE], parts: [['model/upgrade-rules.test.ts', 'two minors up'], ['model/upgrade-rules.test.ts', 'to a higher patch'], ['guest/upgrade.test.ts', 'upgrade of the first control node: kubeadm, then the kubelet stopped, replaced and started, then the network']] },
    { what: 'Delete', lab: [LAB_CREATE], zone: [LIFE] },
    { what: 'Failed operations leave the cluster in Alert, and a scan brings it back once it is well', zone: [['stack/scan.test.ts', 'takes a cluster with a machine that is off for what it is, and for well once all machines run and its API server answers']], parts: [['settings/in-force.test.ts', 'ends an Alert once all machines run and the API server answers (report 9)'], ['model/states.test.ts', '%s can end in each way that it may end in']] },
  ],
  'Using clusters': [
    { what: 'The kubeconfig is given out, and kubectl works with it', lab: [LAB_CREATE], zone: [['activities/node-simulator.test.ts', 'makes a cluster that its kubeconfig opens, and lets others join']], parts: [['api/clusters.test.ts', 'gives the text as it was stored']] },
    { what: 'The page says how to reach a cluster', parts: [['ui/page.test.ts', 'a cluster says how to get its kubectl, how to open its dashboard and how to log in to its nodes']] },
    { what: 'The cloud controller has credentials of its own, good for its few commands only', lab: [LAB_CREATE] },
    { what: 'The cloud controller is installed; what cannot be installed does not keep the cluster from Running', zone: [COMPONENTS], lacks: 'the cloud controller itself has not run on real nodes' },
    { what: 'The dashboard is installed, with an account and a token', zone: [['simulator/lifecycle.test.ts', 'applies and removes components that kubectl shows']], parts: [['guest/components.test.ts', 'the dashboard comes with an account and the secret that holds its token']] },
    { what: 'Pods are kept from a metadata server', lab: [LAB_CREATE, LAB_POLICY], parts: [['gateway/packets.test.ts', 'nodes and their pods do not reach the metadata server of the platform that the gateway runs on'], ['activities/seed.test.ts', 'a node’s seed has its name, address and SSH keys, and nothing that a cluster is joined or an image pulled with'], ['activities/metadata-policy.test.ts', 'is of use only with a pod network that enforces policies']], lacks: 'gateways do it for all pods; the policy of `cks.metadata.policy.namespaces` is proven to be there, on a pod network that enforces none (`docs/decisions/0014-no-metadata-server.md`)' },
    { what: 'The CoreOS and system VM templates', absent: true, lacks: 'nodes need a template of their own, made by `scripts/build-template.sh`' },
  ],
  'Clusters of other providers': [
    { what: 'An ExternalManaged cluster is listed beside the others', parts: [['api/projects.test.ts', 'a member makes something for the project; others are refused at the parameter stage, also by CKS commands']] },
    { what: 'Machines are added to it and taken out of it', parts: [['api/machines.test.ts', 'are added as control or worker nodes, once, and counted'], ['api/machines.test.ts', 'are taken out one by one, with a word for each that is not']] },
    { what: 'Stop, start, scale and upgrade are refused for it', parts: [['api/machines.test.ts', '%s is refused, since this service did not make the machines']] },
  ],
  'Flexible clusters': [
    { what: 'A hypervisor is chosen for the nodes', zone: [FLEXIBLE], parts: [['model/create-rules.test.ts', '20: a hypervisor that no host has']], lacks: 'a zone has one hypervisor, so that the choice confirms it or is refused' },
    { what: 'Offerings per node type', zone: [FLEXIBLE], parts: [['model/create-rules.test.ts', 'a node type has its own offering, else the default one (report 27)']] },
    { what: 'Templates per node type, marked as for nodes', zone: [FLEXIBLE], parts: [['model/create-rules.test.ts', 'a template for nodes'], ['model/create-rules.test.ts', '21: a template that is not for nodes']] },
    { what: 'A template of one’s own is built', parts: [['scripts/build-template.test.ts', 'the image is converted, customized with the scripts in order, and sparsified']], lacks: 'no test boots one' },
    { what: 'A template is registered for nodes', parts: [['api/templates.test.ts', 'answers with a list of one, not ready, waiting for its download']] },
    { what: 'etcd on nodes of its own', lab: [LAB_ETCD, LAB_KILLS], zone: [LARGE] },
    { what: 'Machines of the user become workers', lab: [LAB_OWN, LAB_KILLS], zone: [FLEXIBLE, IMPORTED], parts: [['workflows/every-step.test.ts', 'its titles are unique, and it runs every step once, none before those that it waits for'], ['simulator/lifecycle.test.ts', 'lets a machine that a user made join, and shows its size']], lacks: 'physical machines can be imported, not added' },
    { what: 'They are taken out again, drained and reset', lab: [LAB_OWN, LAB_KILLS], zone: [FLEXIBLE], parts: [['workflows/every-step.test.ts', 'its titles are unique, and it runs every step once, none before those that it waits for'], ['guest/cks-node.test.ts', "reset removes what joining made, keeps the template's own network file, and the node may join again"]] },
    { what: 'Both are bounded by settings of their own', parts: [['settings/in-lists.test.ts', '%s changes the bounds of: %s']] },
    { what: 'A node marked for manual upgrade is left out of upgrades', zone: [FLEXIBLE], parts: [['workflows/upgrade-list.test.ts', 'a node marked for manual upgrade is touched by no step of an upgrade']] },
    { what: 'Hosts dedicated to a domain or an account are used alone', zone: [FLEXIBLE], parts: [['model/placement.test.ts', 'are used alone where the owner has one'], ['api/affinity.test.ts', 'are dedicated and released by jobs, and listed']] },
    { what: 'A CNI configuration is registered, with its parameters, and used instead of the default network', lab: [LAB_CNI], zone: [COMPONENTS], parts: [['api/cni.test.ts', 'a configuration is registered, listed and deleted'], ['model/cni-script.test.ts', 'the Calico sample of the user documentation runs as it does in the original, with its values'], ['guest/components.test.ts', "runs once as root with the admin's kubeconfig"]], lacks: 'flannel with another backend was tried, no other CNI' },
    { what: 'AS numbers and BGP peers of routed networks', absent: true, lacks: 'no routed networks; `asnumber` only fills the variable of a CNI configuration' },
    { what: 'The CSI driver is installed when asked for', zone: [COMPONENTS], parts: [['guest/components.test.ts', 'CSI: the definitions of snapshots go first and stay when it is removed']], lacks: 'there are no data disks that it could make' },
  ],
}; // prettier-ignore
