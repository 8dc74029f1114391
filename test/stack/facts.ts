import type { VersionRow, VmMapRow, VmRow } from '../../db/rows.js';
import type { Effect, Stack, World } from './stack.js';

/** Effects that may happen once per thing, and those that may happen once per node whatever their key. */
const ONCE_PER_KEY = /^(volume\.|seed\.|domain\.|medium\.|gateway\.)/;
const ONCE_PER_NODE = /^node\.(upload|install|init|join|reset)$/;

/** What was done twice to the same thing; empty is how it should be. */
export function doneTwice(effects: readonly Effect[]): string[] {
  const seen = new Map<string, number>();
  for (const { kind, key, node } of effects) {
    const thing = ONCE_PER_KEY.test(kind)
      ? `${kind} ${key}`
      : ONCE_PER_NODE.test(kind)
        ? `${kind} on ${node}`
        : undefined;
    if (thing !== undefined) seen.set(thing, (seen.get(thing) ?? 0) + 1);
  }
  return [...seen].filter(([, count]) => count > 1).map(([thing, count]) => `${thing}: ${count} times`);
}

export const countOf = (effects: readonly Effect[], kind: string) => effects.filter((one) => one.kind === kind).length;

type NodeRow = Pick<VmRow, 'name' | 'instance_name' | 'state' | 'ip_address'> &
  Pick<VmMapRow, 'role' | 'phase' | 'control_node' | 'external_node' | 'kubernetes_node_version'>;
export const nodeRows = (stack: Stack, clusterId: string) =>
  stack.rows<NodeRow>(
    'SELECT v.name, v.instance_name, v.state, v.ip_address, m.role, m.phase, m.control_node, m.external_node, m.kubernetes_node_version FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id WHERE m.cluster_id = ? ORDER BY v.name',
    clusterId,
  );

interface KubernetesNode {
  metadata: { name: string };
  spec: { unschedulable?: boolean };
  status: { conditions: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } };
}
/** The nodes of a cluster as `kubectl` shows them. */
export async function kubernetesNodes(stack: Stack, clusterId: string): Promise<KubernetesNode[]> {
  const list = JSON.parse(await stack.kubectl(clusterId, 'get', 'nodes', '-o', 'json')) as { items: KubernetesNode[] };
  return list.items;
}

/** The cluster runs, and its rows, the zone and Kubernetes tell the same of it. */
export async function expectHealthy(stack: Stack, clusterId: string, controls: number, workers: number): Promise<void> {
  const cluster = stack.cluster(clusterId);
  expect({ state: cluster.state, reason: cluster.reason }).toEqual({ state: 'Running', reason: null });
  const rows = nodeRows(stack, clusterId);
  expect(rows.map(({ role, phase, state }) => `${role} ${phase} ${state}`).sort()).toEqual([
    ...Array.from({ length: controls }, () => 'control ready Running'),
    ...Array.from({ length: workers }, () => 'worker ready Running'),
  ]);
  const names = rows.map(({ name }) => name);

  const world = await stack.world();
  const domains = world.domains.filter((one) => one.clusterId === clusterId);
  expect(domains.map(({ hostName }) => hostName).sort()).toEqual(names);
  expect(domains.map(({ name, state, media }) => [name, state, media]).sort()).toEqual(
    rows.map((row) => [row.instance_name, 'running', []]).sort(),
  );
  const volumes = world.volumes.filter(({ name }) => rows.some((row) => name === `${row.instance_name}-root`));
  expect(volumes).toHaveLength(controls + workers);
  expect(world.media.filter(({ name }) => rows.some((row) => name.startsWith(row.instance_name)))).toEqual([]);
  const ofNetwork = <T extends { networkId: string }>(list: T[]) =>
    list.filter(({ networkId }) => networkId === cluster.network_id);
  expect(ofNetwork(world.networks)).toHaveLength(1);
  expect(ofNetwork(world.addresses)).toHaveLength(1);
  expect(ofNetwork(world.members).map(({ address }) => address).sort()).toEqual(rows.filter((row) => row.control_node).map((row) => row.ip_address).sort()); // prettier-ignore
  const forwards = ofNetwork(world.rules).filter(({ kind }) => kind === 'forward');
  expect(forwards.map(({ address }) => address).sort()).toEqual(rows.map((row) => row.ip_address).sort());
  expect(stack.rows('SELECT * FROM user_ip_address WHERE network_id = ?', cluster.network_id)).toHaveLength(1);

  const nodes = JSON.parse(await stack.kubectl(clusterId, 'get', 'nodes', '-o', 'json')) as {
    items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[];
  };
  expect(nodes.items.map(({ metadata }) => metadata.name).sort()).toEqual(names);
  expect(nodes.items.map(({ status }) => status.conditions.find(({ type }) => type === 'Ready')?.status)).toEqual(
    names.map(() => 'True'),
  );
}

/** What rows still hold for a cluster that is to be gone: machines, room, addresses, rules, secrets. */
export function heldRows(stack: Stack, clusterId: string): Record<string, unknown[]> {
  const { network_id } = stack.cluster(clusterId);
  return {
    nodes: nodeRows(stack, clusterId),
    addresses: stack.rows('SELECT public_ip_address FROM user_ip_address WHERE network_id = ?', network_id),
    guests: stack.rows('SELECT ip4_address FROM guest_address WHERE network_id = ?', network_id),
    rules: stack.rows('SELECT purpose, start_port FROM firewall_rules WHERE network_id = ?', network_id),
    machines: stack.rows('SELECT name FROM vm_instance WHERE network_id = ? AND removed IS NULL', network_id),
    secrets: stack.rows(`SELECT owner, name FROM secret WHERE owner = ?`, `cluster/${clusterId}`),
    orphans: stack.rows(
      `SELECT owner FROM secret WHERE owner LIKE 'vm/%' AND substr(owner, 4) NOT IN (SELECT uuid FROM vm_instance WHERE removed IS NULL)`,
    ),
    room: stack.rows(
      'SELECT r.vm_id FROM host_reservation r LEFT JOIN vm_instance v ON v.uuid = r.vm_id AND v.removed IS NULL WHERE v.uuid IS NULL',
    ),
  };
}
export const NOTHING_HELD = {
  nodes: [],
  addresses: [],
  guests: [],
  rules: [],
  machines: [],
  secrets: [],
  orphans: [],
  room: [],
};

/** Names of a world's things of one cluster. */
export const domainsOf = (world: World, clusterId: string) =>
  world.domains.filter((one) => one.clusterId === clusterId).map(({ hostName }) => hostName);

/** Everything in the zone that belongs to a cluster, or to a machine or network that it ever had. */
export async function tracesOf(stack: Stack, clusterId: string): Promise<Record<string, unknown[]>> {
  const { network_id } = stack.cluster(clusterId);
  const machines = stack.rows<{ instance_name: string }>(
    'SELECT instance_name FROM vm_instance WHERE network_id = ?',
    network_id,
  );
  const own = ({ name }: { name: string }) => machines.some(({ instance_name }) => name.startsWith(instance_name));
  const world = await stack.world();
  const ofNetwork = <T extends { networkId: string }>(list: T[]) =>
    list.filter(({ networkId }) => networkId === network_id);
  return {
    domains: world.domains.filter((one) => one.clusterId === clusterId || own(one)),
    volumes: world.volumes.filter(own),
    media: world.media.filter(own),
    networks: ofNetwork(world.networks),
    rules: ofNetwork(world.rules),
    addresses: ofNetwork(world.addresses),
  };
}
export const NO_TRACES = { domains: [], volumes: [], media: [], networks: [], rules: [], addresses: [] };

/** Nothing of the cluster is left, in rows and in the zone. */
export async function expectGone(stack: Stack, clusterId: string): Promise<void> {
  expect(heldRows(stack, clusterId)).toEqual(NOTHING_HELD);
  expect(await tracesOf(stack, clusterId)).toEqual(NO_TRACES);
}

/** A whole cluster, whose zone is scanned every second. */
export async function makeWatched(stack: Stack, controls: number, workers: number): Promise<string> {
  await stack.call('updateConfiguration', { name: 'cks.scan.seconds', value: '1' });
  const { id, jobid } = await stack.create(controls, workers);
  expect(await stack.jobEnd(jobid)).toMatchObject({ jobstatus: 1, jobresultcode: 0 });
  return id;
}

/** Rows, machines, gateway and Kubernetes tell the same of a resting cluster, whatever its size and whether it is switched on. */
export async function expectAgreement(stack: Stack, clusterId: string): Promise<{ controls: number; workers: number }> {
  const cluster = stack.cluster(clusterId);
  const isOn = cluster.state !== 'Stopped';
  const rows = nodeRows(stack, clusterId);
  const world = await stack.world();
  const ofNetwork = <T extends { networkId: string }>(list: T[]) =>
    list.filter(({ networkId }) => networkId === cluster.network_id);
  const domains = world.domains.filter((one) => one.clusterId === clusterId);
  const machine = ([name, state]: [string, string]) => `${name} ${state}`;
  const own = rows.filter(({ external_node }) => external_node === 0);
  expect(domains.map(({ name, state }) => machine([name, state])).sort()).toEqual(
    own.map(({ instance_name }) => machine([instance_name, isOn ? 'running' : 'shut off'])).sort(),
  );
  expect(domains.flatMap(({ media }) => media)).toEqual([]);
  // Each has the size of its offering, and that much room of its host.
  const sizes = (from: string, columns: string) =>
    stack
      .rows<{ name: string; cpus: number; ramMb: number }>(
        `SELECT v.instance_name AS name, ${columns} FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id JOIN ${from} WHERE m.cluster_id = ? AND m.external_node = 0`,
        clusterId,
      )
      .map(sized)
      .sort();
  const sized = ({ name, cpus, ramMb }: { name: string; cpus: number; ramMb: number }) => `${name} ${cpus} ${ramMb}`;
  expect(domains.map(sized).sort()).toEqual(
    sizes('service_offering o ON o.uuid = v.service_offering_id', 'o.cpu AS cpus, o.ram_size AS "ramMb"'),
  );
  if (isOn)
    expect(domains.map(sized).sort()).toEqual(
      sizes('host_reservation r ON r.vm_id = v.uuid AND r.host_id = v.host_id', 'r.cpus, r.ram_mb AS "ramMb"'),
    );
  // A machine has its root disk, one that a user made its seed too; nothing is left of those that were removed.
  const machines = stack.rows<Pick<VmRow, 'instance_name' | 'vm_type' | 'removed'>>(
    'SELECT instance_name, vm_type, removed FROM vm_instance WHERE network_id = ?',
    cluster.network_id,
  );
  const ofMachines = (list: { name: string }[]) =>
    list
      .map(({ name }) => name)
      .filter((name) => machines.some(({ instance_name }) => name.startsWith(instance_name)))
      .sort();
  const there = machines.filter(({ removed }) => removed === null).map(({ instance_name }) => instance_name);
  const users = machines.filter(({ vm_type, removed }) => vm_type !== 'cksnode' && removed === null);
  expect(ofMachines(world.volumes)).toEqual(there.map((name) => `${name}-root`).sort());
  expect(ofMachines(world.domains)).toEqual(there.sort());
  expect(ofMachines(world.media)).toEqual(users.map(({ instance_name }) => `${instance_name}-seed`).sort());
  // A stop switches the cluster's own machines off; one that a user added goes on.
  expect(rows.map(({ phase, state }) => `${phase} ${state}`)).toEqual(
    rows.map(({ external_node }) => `ready ${isOn || external_node === 1 ? 'Running' : 'Stopped'}`),
  );
  const forwards = ofNetwork(world.rules).filter(({ kind }) => kind === 'forward');
  expect(forwards.map(({ address }) => address).sort()).toEqual(rows.map(({ ip_address }) => ip_address).sort());
  const controls = rows.filter(({ control_node }) => control_node === 1);
  expect(
    ofNetwork(world.members)
      .map(({ address }) => address)
      .sort(),
  ).toEqual(controls.map(({ ip_address }) => ip_address).sort());
  expect({ controls: cluster.control_node_count, workers: cluster.node_count }).toEqual({
    controls: controls.length,
    workers: rows.filter(({ role }) => role === 'worker').length,
  });
  // Machines that a user made in the network have theirs too.
  const addresses = (from: string) =>
    stack
      .rows<{ address: string }>(`SELECT ${from} WHERE network_id = ?`, cluster.network_id)
      .map(({ address }) => address)
      .sort();
  expect(addresses('ip4_address AS address FROM guest_address')).toEqual(
    addresses('ip_address AS address FROM (SELECT * FROM vm_instance WHERE removed IS NULL)'),
  );
  if (isOn) {
    const nodes = await kubernetesNodes(stack, clusterId);
    expect(
      nodes.map(({ metadata, spec, status }) => [
        metadata.name,
        spec.unschedulable ?? false,
        status.conditions.find(({ type }) => type === 'Ready')?.status,
        status.nodeInfo.kubeletVersion,
      ]),
    ).toEqual(
      rows
        .filter(({ role }) => role !== 'etcd')
        .map(({ name, kubernetes_node_version: version }) => [name, false, 'True', `v${version}`]),
    );
    const deployments = await stack.kubectl(clusterId, 'get', 'deployments', '-n', 'kube-system', '-o', 'name');
    expect(deployments.includes('cluster-autoscaler')).toBe(cluster.autoscaling_enabled === 1);
  }
  return { controls: controls.length, workers: cluster.node_count };
}

/** Supported versions, the lowest first. */
export const versions = (stack: Stack): VersionRow[] =>
  stack.rows<VersionRow>('SELECT * FROM kubernetes_supported_version WHERE removed IS NULL ORDER BY id');

/** The version after that of a cluster; undefined where it has the last. */
export function versionAfter(stack: Stack, id: string): VersionRow | undefined {
  const all = versions(stack);
  return all[all.findIndex(({ uuid }) => uuid === stack.cluster(id).kubernetes_version_id) + 1];
}
