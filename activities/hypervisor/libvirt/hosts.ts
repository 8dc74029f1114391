import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { HostRow, ZoneRow } from '../../../db/rows.js';
import type { Sealer } from '../../../db/secret.js';
import { readHostSecret, type HostSecretName, type HostTls } from '../../../db/hosts.js';
import { readHostKey, type HostKey } from '../../../db/ssh-host-key.js';
import { fault } from '../../../workflows/model/fault.js';
import { DEFAULT_BRIDGE, zoneBridge } from '../../../workflows/model/network-rules.js';
import { knownHosts } from './identity.js';
import type { HostFabric, LibvirtHost } from './index.js';
import { checkName } from './names.js';
import type { HostFiles } from './protocol.js';
import type { HostUri } from './libvirt-uri.js';
import { parseHostUri } from './uri.js';

/** Makes and removes the bridge of a network on a host whose zone joins its hosts by VXLAN (`cks-fabric`). */
export interface Fabric {
  ensure(host: HostRow, networkNumber: number): Promise<void>;
  absent(host: HostRow, networkNumber: number): Promise<void>;
}
export interface HostSources {
  db: Knex;
  sealer: Sealer;
  fabric: Fabric;
}

/** What driving a host takes, read anew for each call: its keys may have been replaced. Files are named as libvirt wants them. */
export async function readLibvirtHost({ db, sealer, fabric }: HostSources, host: HostRow): Promise<LibvirtHost> {
  const uri = parseHostUri(host.url);
  const zone = await db<ZoneRow>('data_center').where({ uuid: host.data_center_id }).first();
  const { files, hostKey } = await secretsOf(db, sealer, host, uri);
  const pool = checkName('pool', host.pool);
  const key = createHash('sha256')
    .update(JSON.stringify([host.uuid, host.url, pool, files]))
    .digest('hex')
    .slice(0, 24);
  return {
    target: { name: host.name, key, uri, files, hostKey, pool },
    fabric: fabricOf(fabric, host, zone),
  };
}

function fabricOf(fabric: Fabric, host: HostRow, zone: ZoneRow | undefined): HostFabric {
  if (zone?.network_mode === 'vxlan')
    return {
      bridge: (number) => `cks${number}`,
      ensure: (number) => fabric.ensure(host, number),
      absent: (number) => fabric.absent(host, number),
    };
  // The operator's own bridge, the same for all networks of the zone: nothing to make, nothing to take away.
  return {
    bridge: () => (zone && zoneBridge(zone)) ?? DEFAULT_BRIDGE,
    ensure: () => Promise.resolve(),
    absent: () => Promise.resolve(),
  };
}

/** Files that a connection needs, from the sealed secrets of the host. */
async function secretsOf(
  db: Knex,
  sealer: Sealer,
  host: HostRow,
  uri: HostUri,
): Promise<{ files: HostFiles; hostKey: HostKey | undefined }> {
  const read = async (name: HostSecretName) => (await readHostSecret(db, sealer, host.uuid, name))?.reveal();
  if (uri.transport === 'unix') return { files: {}, hostKey: undefined };
  if (uri.transport === 'tls') {
    const tls = await read('tls');
    if (tls === undefined) throw missing(host, 'certificates');
    const { cacert, clientcert, clientkey } = JSON.parse(tls) as HostTls;
    return {
      files: { 'cacert.pem': cacert, 'clientcert.pem': clientcert, 'clientkey.pem': clientkey },
      hostKey: undefined,
    };
  }
  const key = await read('ssh');
  if (key === undefined) throw missing(host, 'a private key');
  const hostKey = readHostKey((await read('known-host')) ?? '');
  return {
    files: { key: `${key.trimEnd()}\n`, known_hosts: hostKey ? knownHosts(uri.host, uri.port, hostKey) : '' },
    hostKey,
  };
}

const missing = (host: HostRow, what: string) =>
  fault(
    'HypervisorRefused',
    `${what} for host ${host.name} (${host.url}) are not stored: add the host anew with them`,
    { host: host.name },
  );
