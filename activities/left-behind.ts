import type { Knex } from 'knex';
import type { NetworkRow, VmRow } from '../db/rows.js';
import type { Gateway } from './gateway/driver.js';
import type { Hypervisor } from './hypervisor/driver.js';
import { removeMachine, seedOf, volumeOf } from './hypervisor/machine-parts.js';

/** For calls of a driver that make something: takes it away again where nobody is left to whom it belongs. */
export type Undo<T> = {
  [K in keyof T]?: T[K] extends (...args: infer Args) => Promise<unknown>
    ? (driver: T, ...args: Args) => Promise<void>
    : never;
};

/** Names of machines are made from ids, so one that is gone never comes back: what its calls made may go, whoever made it. */
export function undoOnHost(db: Knex): Undo<Hypervisor> {
  const machine = async (host: Hypervisor, name: string): Promise<void> => {
    const [row] = await db<VmRow>('vm_instance').where({ instance_name: name }).select('state', 'removed');
    if (!row || row.removed !== null || row.state === 'Expunging') await removeMachine(host, name);
  };
  return {
    ensureVolume: (host, { name }) => machine(host, nameWithout(name, volumeOf(''))),
    ensureSeed: (host, { name }) => machine(host, nameWithout(name, seedOf(''))),
    ensureDefined: (host, { name }) => machine(host, name),
    // Left alone while a machine of the network is on the host.
    ensureNetwork: async (host, network) => {
      if (!(await networkStands(db, network.networkId))) await host.ensureNetworkAbsent(network);
    },
  };
}

export function undoOnGateway(db: Knex): Undo<Gateway> {
  const network = async (gateway: Gateway, id: string): Promise<void> => {
    if (!(await networkStands(db, id))) await gateway.ensureAbsent(id);
  };
  return {
    ensureAddress: (gateway, networkId) => network(gateway, networkId),
    apply: (gateway, { networkId }) => network(gateway, networkId),
  };
}

const nameWithout = (name: string, end: string): string => name.slice(0, -end.length);

/** A gateway knows a VPC by the VPC's id. */
async function networkStands(db: Knex, id: string): Promise<boolean> {
  for (const table of ['networks', 'vpc'])
    if (await db<NetworkRow>(table).where({ uuid: id, removed: null }).first('uuid')) return true;
  return false;
}
