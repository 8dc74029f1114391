import { isMade } from '../../db/add-machine.js';
import { hostsInUse } from '../../db/hosts.js';
import type { HostRow } from '../../db/rows.js';
import { restingGateways } from '../../db/resting-gateways.js';
import { textOf } from '../../workflows/model/fault.js';
import type { Deps } from '../deps.js';
import { gatewayDrift } from '../gateway/drift.js';
import type { DomainFacts, Hypervisor } from '../hypervisor/driver.js';
import { removeMachine } from '../hypervisor/machine-parts.js';
import { inTime } from '../in-time.js';
import type { Check, Finding } from './finding.js';

interface Machine {
  uuid: string;
  name: string;
  instance_name: string;
  host_id: string | null;
  state: string;
  removed: string | null;
  phase: string | null;
  held: string | null;
}

/** Milliseconds that a host may take to say what it has. */
const ANSWER_MS = 30_000;

/** Hosts that do not answer, machines that are on one side only, and what removed machines left on hosts. */
export const hosts: Check = {
  name: 'zones and hosts',
  async look(deps) {
    const { db } = deps;
    const zones = await db('data_center').whereNull('removed').select<{ uuid: string; name: string }[]>('uuid', 'name');
    const rows = await hostsInUse(db).orderBy('id');
    const empty = zones.filter(({ uuid }) => !rows.some(({ data_center_id }) => data_center_id === uuid));
    return [
      ...empty.map(({ name }) => ({ what: `zone ${name} has no host`, todo: 'addHost, or deleteZone' })),
      ...(await Promise.all(rows.map((host) => lookAt(deps, host)))).flat(),
    ];
  },
};

async function lookAt(deps: Deps, host: HostRow): Promise<Finding[]> {
  const hypervisor = deps.openHypervisor(host);
  // Read before the host is asked: what is made meanwhile is on both sides.
  const machines = await readMachines(deps, host.uuid);
  try {
    const [domains, volumes] = await inTime(
      ANSWER_MS,
      Promise.all([hypervisor.listDomains(), hypervisor.listVolumes()]),
    );
    return [
      ...(await strangers(deps, host, hypervisor, domains)),
      ...missing(host, machines, domains),
      ...(await leftVolumes(deps, host, hypervisor, volumes, domains)),
    ];
  } catch (error) {
    if (host.resource_state === 'Maintenance') return [];
    return [
      {
        what: `host ${host.name} (${host.url.replace(/\?.*/, '')}) does not answer: ${textOf(error)}`,
        todo: 'see whether it is up, its libvirt runs and its key is the pinned one; updateHost puts it in maintenance',
      },
    ];
  }
}

/** Machines of a host, or one by its instance's id; `held` is the operation that works on its cluster. */
const readMachines = ({ db }: Deps, hostId: string): Promise<Machine[]> =>
  Promise.resolve(
    db('vm_instance as v')
      .leftJoin('kubernetes_cluster_vm_map as m', 'm.vm_id', 'v.uuid')
      .leftJoin('operation as o', 'o.active_cluster_id', 'm.cluster_id')
      .where({ 'v.host_id': hostId, 'v.managed': 1 })
      .whereNull('v.removed')
      .select<Machine[]>('v.uuid', 'v.name', 'v.instance_name', 'v.host_id', 'v.state', 'v.removed', 'm.phase', 'o.uuid as held'), // prettier-ignore
  );

/** A row by what a domain or a volume is named after. */
const readByName = ({ db }: Deps, instance: string): Promise<Machine | undefined> =>
  Promise.resolve(
    db('vm_instance')
      .where({ instance_name: instance })
      .first<Machine | undefined>('uuid', 'name', 'instance_name', 'host_id', 'state', 'removed'),
  );

/** An imported machine that was destroyed here goes on, and is somebody else's again. */
const wasLetGo = (row: Machine): boolean => row.removed !== null && !isMade(row);

async function strangers(
  deps: Deps,
  host: HostRow,
  hypervisor: Hypervisor,
  domains: DomainFacts[],
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const { name } of domains) {
    const row = await readByName(deps, name);
    if (row && wasLetGo(row)) continue;
    if (!row)
      found.push({
        what: `domain ${name} on host ${host.name} has no row in this database`,
        todo: `it may be another service's: find out, then remove it with \`virsh undefine\``,
      });
    else if (row.removed !== null)
      found.push({
        what: `domain ${name} on host ${host.name} is of machine ${row.name}, which was removed`,
        todo: '--fix removes the domain, its volume and its seed',
        fix: async () => {
          if ((await readByName(deps, name))?.removed === null) return;
          await removeMachine(hypervisor, name);
        },
      });
    else if (row.host_id !== host.uuid)
      found.push({
        what: `domain ${name} is on host ${host.name}, and its row says host ${row.host_id ?? 'none'}`,
        todo: 'stop the one that is not used; the same machine must not run twice',
      });
  }
  return found;
}

const missing = (host: HostRow, machines: Machine[], domains: DomainFacts[]): Finding[] =>
  machines
    .filter(
      ({ instance_name, phase, held, state }) =>
        held === null &&
        phase !== 'reserved' &&
        state !== 'Destroyed' &&
        !domains.some(({ name }) => name === instance_name),
    )
    .map(({ name, instance_name }) => ({
      what: `machine ${name} has no domain ${instance_name} on host ${host.name}`,
      todo: 'replaceKubernetesNode puts a new node in its place; of a machine that is no node: destroyVirtualMachine',
    }));

/** Volumes and seeds are named after their machine's domain. */
async function leftVolumes(
  deps: Deps,
  host: HostRow,
  hypervisor: Hypervisor,
  volumes: string[],
  domains: DomainFacts[],
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const volume of volumes) {
    const [, instance, part] = /^(i-.+)-(root|seed)$/.exec(volume) ?? [];
    if (instance === undefined || domains.some(({ name }) => name === instance)) continue;
    const row = await readByName(deps, instance);
    if (!row)
      found.push({
        what: `volume ${volume} on host ${host.name} has no machine in this database`,
        todo: `it may be another service's: find out, then remove it with \`virsh vol-delete\``,
      });
    else if (row.removed !== null)
      found.push({
        what: `volume ${volume} on host ${host.name} is of machine ${row.name}, which was removed`,
        todo: '--fix removes the volume',
        fix: () => (part === 'root' ? hypervisor.ensureVolumeAbsent(volume) : hypervisor.ensureSeedAbsent(volume)),
      });
  }
  return found;
}

/** Networks and VPCs whose gateway has something else than their rows say. */
export const gateways: Check = {
  name: 'gateways',
  async look(deps) {
    const gateway = gatewayDrift(deps);
    const found: Finding[] = [];
    for (const network of await restingGateways(deps.db)) {
      const what = `the gateway of ${network.vpcId === null ? 'network' : 'VPC'} ${network.name} (${network.vpcId ?? network.networkId})`;
      try {
        if (await gateway.hasDrifted(network))
          found.push({
            what: `${what} has something else than its rows say`,
            todo: '--fix applies the rules again',
            fix: () => gateway.repair(network),
          });
      } catch (error) {
        found.push({
          what: `${what} cannot be looked at: ${textOf(error)}`,
          todo: 'see whether the gateway host is up and lets this service in',
        });
      }
    }
    return found;
  },
};
