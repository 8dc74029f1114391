import type { Knex } from 'knex';
import type { HostRow, ZoneRow } from '../db/rows.js';
import type { Sealer } from '../db/secret.js';
import { sshFabric } from './fabric/ssh.js';
import type { Gateway } from './gateway/driver.js';
import { readTarget, type Program } from './gateway/forced-command.js';
import { simulatorGateway } from './gateway/simulator.js';
import { sshGateway } from './gateway/ssh.js';
import type { Hypervisor } from './hypervisor/driver.js';
import { LibvirtChildren, type ChildrenOptions } from './hypervisor/libvirt/children.js';
import { readLibvirtHost, type Fabric } from './hypervisor/libvirt/hosts.js';
import { libvirtHypervisor } from './hypervisor/libvirt/index.js';
import { simulatorHypervisor } from './hypervisor/simulator.js';
import { undoOnGateway, undoOnHost } from './left-behind.js';
import { fenced } from './step.js';
import { callSignal } from './within.js';

export interface DriverSources {
  db: Knex;
  sealer: Sealer;
  fabric?: Fabric;
  libvirt?: ChildrenOptions;
}

/** The drivers of hosts and gateways; a URL's scheme decides which one. `close` ends what they started, whatever it is doing. */
export function driversFor({ db, sealer, fabric = sshFabric(db, sealer, callSignal), libvirt }: DriverSources) {
  const children = new LibvirtChildren(libvirt);
  const [onHost, onGateway] = [undoOnHost(db), undoOnGateway(db)];
  return {
    openHypervisor(host: HostRow): Hypervisor {
      if (host.url.startsWith('simulator://'))
        return fenced<Hypervisor>(simulatorHypervisor(host.url, callSignal), onHost);
      return fenced(
        libvirtHypervisor(children, () => readLibvirtHost({ db, sealer, fabric }, host), callSignal),
        onHost,
      );
    },
    openGateway({ uuid, name, gateway_url: url }: Pick<ZoneRow, 'uuid' | 'name' | 'gateway_url'>): Gateway {
      if (url.startsWith('simulator://')) return fenced(simulatorGateway(url, callSignal), onGateway);
      const program = async (): Promise<Program> => ({
        target: await readTarget(db, sealer, url, `zone/${uuid}`, `the gateway of zone ${name}`),
        failed: 'GatewayFailed',
      });
      return fenced(sshGateway(program, callSignal), onGateway);
    },
    /** How often a process for calls of libvirt was started. */
    libvirtStarts: () => children.starts,
    close: (graceMs?: number) => children.close(graceMs),
  };
}
