import { createHash } from 'node:crypto';
import { readSettings } from '../db/configuration.js';
import { hostsInUse } from '../db/hosts.js';
import { now, nowPlus } from '../db/knex.js';
import { readLostWorkers } from '../db/lost-workers.js';
import { readNodes } from '../db/nodes.js';
import { readRestingGateways } from '../db/resting-gateways.js';
import type { HostRow } from '../db/rows.js';
import {
  moveSeen,
  markProbed,
  readDueProbes,
  readOddClusters,
  readRunningNodes,
  readTroubles,
  readWatchedMachines,
  readWatchedMarks,
  writePower,
  writeReason,
  type ClusterHealth,
  type WatchedMachine,
} from '../db/seen.js';
import { textOf } from '../workflows/model/fault.js';
import { hasSeen, saidIn, SEEN, withSeen } from '../workflows/model/seen-reason.js';
import { beating } from './beating.js';
import { beginOperation } from './begin-operation.js';
import type { Deps } from './deps.js';
import { gatewayDrift } from './gateway/drift.js';
import { within } from './within.js';
import type { DomainFacts } from './hypervisor/driver.js';
import { probeCluster } from './probe-cluster.js';
import { removeLost } from './remove-lost.js';

/** Clusters or networks looked at side by side, and of each hundred hosts as many; API servers asked and gateways compared at most in one scan. */
const WIDTH = 20;
const HUNDRED = 100;
const MOST_PROBES = 400;
const MOST_GATEWAYS = 60;
/** A host that hangs delays only itself. */
const HOST_MS = 20_000;
/** A Running cluster's API server is asked once in so many scans, one in Alert in each. */
const RUNNING_SCANS = 10;

/** The domains of a host by name, and what the host said of them, as a digest. */
interface Domains {
  states: ReadonlyMap<string, DomainFacts['state']>;
  said: string;
}

/** Looking after a zone's machines and clusters while no operation holds them (`behaviour.md` §5.16, design §5 "Scheduled"). */
export const zoneScanActivities = (deps: Deps) => {
  const { db, log } = deps;
  const gateways = gatewayDrift(deps);
  /** By zone: the network that was compared with its gateway last. The next scan goes on after it. */
  const compared = new Map<string, number>();
  /** By host: what its rows and the host itself said when they agreed. A worker that starts compares all of them. */
  const agreed = new Map<string, { mark: string; said: string }>();

  return {
    /**
     * One look at a zone, for a scan that began at `began` (milliseconds since the epoch): power states by host, states of clusters, API servers
     * that are due, gateways. Says at its heartbeats what it is at.
     */
    async lookAtZone(zoneId: string, began: number): Promise<void> {
      let looksAt = 'hosts';
      const look = async () => {
        await lookAt(await hostsOf(zoneId)).catch((error: unknown) =>
          log.warn({ zone: zoneId, error: textOf(error) }, 'could not look at the hosts of a zone'),
        );
        looksAt = 'clusters';
        await settleClusters(zoneId);
        looksAt = 'API servers';
        await probeClusters(zoneId);
        looksAt = 'gateways';
        await repairGateways(zoneId);
        await endScan(zoneId, began);
      };
      await beating(look, () => looksAt);
    },

    // One by one, as runs that an earlier release began ask for them.

    /** Ids of the zone's hosts that are to be looked at. */
    hostsOfZone: async (zoneId: string): Promise<string[]> => (await hostsOf(zoneId)).map(({ uuid }) => uuid),

    /** Looks at these hosts, each within a limit of its own. Returns how many rows of machines changed. */
    async lookAtHosts(hostIds: string[]): Promise<number> {
      const rows = await hostsInUse(db).whereIn('uuid', hostIds).orderBy('id');
      return lookAt(rows);
    },

    /** The same for one host. */
    async lookAtHost(hostId: string): Promise<number> {
      const host = await hostsInUse(db).where({ uuid: hostId }).first();
      return host ? lookAt([host]) : 0;
    },

    settleClusters,
    probeClusters,
    endScan,
    repairGateways,
  };

  async function hostsOf(zoneId: string): Promise<HostRow[]> {
    return hostsInUse(db).where({ data_center_id: zoneId }).orderBy('id');
  }

  /** Moves resting clusters to where their machines say that they are, with the reason. */
  async function settleClusters(zoneId: string): Promise<void> {
    for (const cluster of await readOddClusters(db, zoneId)) await settle(cluster);
    await replaceLost(zoneId);
  }

  /** Asks the API servers that are due. Returns how many. */
  async function probeClusters(zoneId: string): Promise<number> {
    const seconds = (await readSettings(db))['cks.scan.seconds'];
    const due = await readDueProbes(
      db,
      zoneId,
      nowPlus(db, -RUNNING_SCANS * seconds),
      nowPlus(db, -seconds),
      MOST_PROBES,
    );
    await sideBySide(due, 'cluster', 'could not look at a cluster', async (cluster) => {
      // Clusters that were once asked together drift apart.
      await markProbed(db, cluster.uuid, Math.random() * seconds);
      await probeCluster(deps, cluster);
    });
    return due.length;
  }

  /** Measures a scan that began at `began`, in milliseconds since the epoch. */
  async function endScan(zoneId: string, began: number): Promise<void> {
    const zone = await db('data_center').where({ uuid: zoneId }).first<{ name: string } | undefined>('name');
    deps.scanEnded?.(zone?.name ?? zoneId, Math.max(0, Date.now() - began) / 1000);
  }

  /**
   * Puts gateways right that have something else than the rows say, for networks and VPCs that nobody works on: so many in one scan,
   * in turn. Returns how many were repaired.
   */
  async function repairGateways(zoneId: string): Promise<number> {
    let repaired = 0;
    const networks = await readRestingGateways(db, zoneId, compared.get(zoneId) ?? 0, MOST_GATEWAYS);
    compared.set(zoneId, networks.at(-1)?.id ?? 0);
    const hasDrifted = await gateways.among(networks);
    await sideBySide(networks, 'network', 'could not look at the gateway of a network', async (network) => {
      if (!(await hasDrifted(network))) return;
      await gateways.repair(network);
      log.info({ network: network.name }, 'repaired the gateway of a network');
      repaired++;
    });
    return repaired;
  }

  /** One that fails is logged and keeps no other from being looked at. */
  async function sideBySide<T extends { name: string }>(
    list: readonly T[],
    kind: 'cluster' | 'host' | 'network',
    failed: string,
    look: (one: T) => Promise<unknown>,
    width = WIDTH,
  ): Promise<void> {
    let next = 0;
    const lane = async () => {
      for (let i = next++; i < list.length; i = next++) {
        const one = list[i]!;
        await look(one).catch((error: unknown) => log.warn({ [kind]: one.name, error: textOf(error) }, failed));
      }
    };
    await Promise.all(Array.from({ length: Math.min(width, list.length) }, lane));
  }

  async function lookAt(hosts: readonly HostRow[]): Promise<number> {
    const marks = await readWatchedMarks(
      db,
      hosts.map(({ uuid }) => uuid),
    );
    const answered: string[] = [];
    let changed = 0;
    const look = async (host: HostRow) => {
      changed += await lookAtHost(host, marks.get(host.uuid) ?? 'none', answered);
    };
    await sideBySide(hosts, 'host', 'could not look at a host', look, WIDTH * Math.ceil(hosts.length / HUNDRED));
    await writeUp(answered);
    return changed;
  }

  /**
   * Brings the rows of one host's machines to what the host says; a host that does not answer is Down after `cks.host.down.seconds`, one that
   * does is added to `answered`. Where neither side has changed since both agreed, there is nothing to compare. Returns how many rows changed.
   */
  async function lookAtHost(host: HostRow, mark: string, answered: string[]): Promise<number> {
    const known = agreed.get(host.uuid);
    const read = () => readWatchedMachines(db, host.uuid);
    // Read before the host is asked: what somebody changes meanwhile is newer than the answer.
    let machines = known?.mark === mark ? undefined : await read();
    let domains: Domains;
    try {
      domains = await askHost(host);
      if (machines === undefined && known?.said !== domains.said) {
        machines = await read();
        domains = await askHost(host);
      }
    } catch (error) {
      return noAnswer(host, textOf(error));
    }
    answered.push(host.uuid);
    if (host.status === 'Down') {
      await writeUp([host.uuid]);
      log.info({ host: host.name }, 'a host is back');
    }
    if (machines === undefined) return 0;
    agreed.delete(host.uuid);
    let changed = 0;
    let isAgreed = true;
    for (const machine of machines) {
      const state = domains.states.get(machine.instance_name);
      const seen = state === undefined ? 'Error' : state === 'running' ? 'Running' : 'Stopped';
      if (seen === machine.state) continue;
      isAgreed = false;
      if (machine.state !== 'Destroyed') changed += Number(await writePower(db, machine, seen));
      else if (machine.vm_type === 'cksnode') await tryRemoveLost(host, machine);
    }
    if (isAgreed) agreed.set(host.uuid, { mark, said: domains.said });
    return changed;
  }

  async function askHost(host: HostRow): Promise<Domains> {
    const domains = await within(HOST_MS, () => deps.openHypervisor(host).listDomains());
    const said = domains.map(({ name, state }) => `${name} ${state}\n`).join('');
    return {
      states: new Map(domains.map(({ name, state }) => [name, state])),
      said: createHash('sha256').update(said).digest('base64'),
    };
  }

  /** One statement for all hosts that were there before too: with hundreds, a statement each is most of what a scan of a quiet zone costs. */
  async function writeUp(hostIds: readonly string[]): Promise<void> {
    await db('host')
      .whereIn('uuid', [...hostIds])
      .update({ status: 'Up', last_pinged: now(db) });
  }

  async function noAnswer(host: HostRow, why: string): Promise<number> {
    const settings = await readSettings(db);
    // A host that never answered counts from when it was added.
    const down = await db('host')
      .where({ uuid: host.uuid })
      .whereNot({ status: 'Down' })
      .whereRaw('COALESCE(last_pinged, created) < ?', [nowPlus(db, -settings['cks.host.down.seconds'])])
      .update({ status: 'Down' });
    log.warn({ host: host.name, error: why }, down === 1 ? 'a host is down' : 'a host does not answer');
    return down;
  }

  async function tryRemoveLost(host: HostRow, machine: WatchedMachine): Promise<void> {
    const said = { machine: machine.instance_name, host: host.name };
    try {
      await removeLost(deps, host, machine);
      log.info(said, 'removed a machine that had been given up');
    } catch (error) {
      log.warn({ ...said, error: textOf(error) }, 'could not remove a machine that was given up');
    }
  }

  async function settle(cluster: ClusterHealth): Promise<void> {
    const { uuid, state, reason, expected, nodes, running, ownRunning } = cluster;
    if (state === 'Stopped') {
      const started = await readRunningNodes(db, uuid);
      const seen =
        started.length === 0 ? null : `${SEEN.started}${started.join('; ')} (startKubernetesCluster starts the others)`;
      return writeReason(db, cluster, withSeen(reason, seen));
    }
    if (state === 'Running')
      return void (await moveSeen(db, cluster, ['Alert'], withSeen(reason, await troublesOf(cluster))));
    if (nodes > 0 && ownRunning === 0 && (await allAreOff(uuid)))
      return void (await moveSeen(
        db,
        cluster,
        ['Stopped'],
        cluster.target_version_id === null ? null : saidIn(reason),
      ));
    if (running < expected) return writeReason(db, cluster, withSeen(reason, await troublesOf(cluster)));
    if (hasSeen(reason, 'troubles')) await writeReason(db, cluster, withSeen(reason, SEEN.again));
  }

  async function troublesOf({ uuid, nodes, expected }: ClusterHealth): Promise<string> {
    const missing = nodes < expected ? [`${expected - nodes} of ${expected} nodes have no machine`] : [];
    return `${SEEN.troubles}${[...missing, ...(await readTroubles(db, uuid))].join('; ')}`;
  }

  /** True when every machine is off that a stop would switch off. */
  async function allAreOff(clusterId: string): Promise<boolean> {
    const own = (await readNodes(db, clusterId)).filter(({ external_node }) => external_node === 0);
    return own.length > 0 && own.every(({ state, host_status }) => state === 'Stopped' && host_status !== 'Down');
  }

  /** Workers on hosts that are down get a successor, where the operator wants that; one of a cluster at a time. */
  async function replaceLost(zoneId: string): Promise<void> {
    if (!(await readSettings(db))['cks.auto.replace']) return;
    const lost = await readLostWorkers(db, zoneId);
    const first = new Map([...lost].reverse().map((one) => [one.uuid, one]));
    await sideBySide([...first.values()], 'cluster', 'could not replace a lost node', (one) =>
      beginOperation(deps, one, 'replaceNode', { machineIds: [one.vm_id] }),
    );
  }
};
