import type { Db } from '../../db/knex.js';
import type { HostRow, ZoneRow } from '../../db/rows.js';
import type { Sealer } from '../../db/secret.js';
import { fault } from '../../workflows/model/fault.js';
import { forcedCommand, readTarget } from '../gateway/forced-command.js';
import type { Fabric } from '../hypervisor/libvirt/hosts.js';

/** The host part of a URL, by which the zone's other hosts reach it; undefined where the URL names none. */
const hostOf = (url: string | null): string | undefined => {
  if (!url) return undefined;
  const { hostname, protocol } = new URL(url);
  return hostname === '' || !/^(qemu|lxc|ssh)\b/.test(protocol) ? undefined : hostname.replace(/^\[|\]$/g, '');
};

/**
 * All hosts that a network of the zone may reach into, the gateway included; a host leaves its own address out by itself, so all get
 * the same list.
 */
export async function readPeers(db: Db, zoneId: string): Promise<string[]> {
  const zone = await db<ZoneRow>('data_center').where({ uuid: zoneId }).first();
  const hosts = await db<HostRow>('host').where({ data_center_id: zoneId }).whereNull('removed').orderBy('id');
  const urls = [zone?.gateway_url ?? null, ...hosts.map(({ fabric_url, url }) => fabric_url ?? url)];
  return [...new Set(urls.flatMap((url) => hostOf(url) ?? []))].sort();
}

/** Joins a network's bridges by the program `cks-fabric` of each host (`guest/GATEWAY.md`). */
export function sshFabric(db: Db, sealer: Sealer, signal?: () => AbortSignal | undefined): Fabric {
  const on = (host: HostRow) =>
    forcedCommand(async () => {
      if (host.fabric_url === null)
        throw fault(
          'HypervisorRefused',
          `host ${host.name} is in a VXLAN zone and has no fabric URL: add the host anew with fabricurl`,
        );
      const target = await readTarget(db, sealer, host.fabric_url, `host/${host.uuid}`, host.name);
      return { target, failed: 'HypervisorFailed' };
    }, signal);
  return {
    ensure: async (host, number) =>
      void (await on(host)(['ensure', String(number), ...(await readPeers(db, host.data_center_id))])),
    absent: async (host, number) => void (await on(host)(['remove', String(number)])),
  };
}
