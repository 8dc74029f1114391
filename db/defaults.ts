import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { DEFAULT_GUEST_CIDR } from '../workflows/model/address-range.js';
import { toAddress, toNumber } from '../workflows/model/addresses.js';
import { hashPassword } from './accounts.js';
import { sealCheck } from './key-check.js';
import { now, transact } from './knex.js';
import { keepSecret, Secret, type Sealer } from './secret.js';

export interface DefaultsOptions {
  /** Where the simulated zone answers, or undefined where none is to be registered. */
  simulatorPort?: number;
  /** Address of this API as nodes reach it. */
  endpointUrl?: string;
}

/** An id that is the same at every first start: defaults are found again by it. */
const fixed = (name: string): string => {
  const hex = createHash('sha256').update(`cks default ${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

export const DEFAULT_ZONE = fixed('zone sim-1');
const HOSTS = 3;
/** Enough for a thousand clusters. */
const PUBLIC_ADDRESSES = 1200;

/**
 * Public addresses of a simulated zone: loopback, but never 127.0.0.1, and others for another simulator's port, so that two
 * installations on one machine do not meet.
 */
export function simulatedAddresses(simulatorPort: number): string[] {
  const base = toNumber('127.0.0.0') + (16 + (simulatorPort % 4064)) * 4096;
  return Array.from({ length: PUBLIC_ADDRESSES }, (_, i) =>
    toAddress(base + 256 * Math.floor(i / 250) + (i % 250) + 2),
  );
}

/** name, CPUs, memory in MB. */
const OFFERINGS = [['small', 2, 2048], ['medium', 4, 4096], ['large', 8, 16384]] as const; // prettier-ignore
const VERSIONS = ['1.32.9', '1.33.4', '1.34.1', '1.34.2'];

/**
 * What a first start makes: the admin, the simulated zone and its contents. Safe to run again: nothing that is there is changed.
 * Returns the admin's credentials; the password is returned only when it was made just now.
 */
export async function seedDefaults(
  db: Knex,
  sealer: Sealer,
  options: DefaultsOptions,
): Promise<{ apiKey: string; secretKey: Secret; password: Secret }> {
  await sealCheck(db, sealer);
  const admin = fixed('account admin');
  const user = fixed('user admin');
  const password = await keepSecret(
    db,
    sealer,
    `user/${user}`,
    'firstpassword',
    () => new Secret(randomBytes(12).toString('base64url')),
  );
  const secretKey = await keepSecret(db, sealer, `user/${user}`, 'secretkey', newKey);
  const hashed = await hashPassword(password.reveal());
  return transact(db, async (trx) => {
    const add = async (table: string, row: Record<string, unknown>) => {
      await trx(table)
        .insert({ created: now(trx), ...row })
        .onConflict('uuid')
        .ignore();
    };
    const root = fixed('domain ROOT');
    await add('domain', { uuid: root, name: 'ROOT', path: 'ROOT', parent: null, level: 0 });
    await add('account', { uuid: admin, account_name: 'admin', type: 1, domain_id: root, state: 'enabled' });
    await add('user', {
      uuid: user, username: 'admin', password: hashed, account_id: admin, firstname: 'Admin', lastname: 'User', email: null, api_key: newKey().reveal(), state: 'enabled',
    }); // prettier-ignore
    await add('network_offerings', {
      uuid: fixed('network offering'), name: 'DefaultNetworkOfferingforKubernetesService', display_text: 'Network Offering used for CloudStack Kubernetes service',
      guest_type: 'Isolated', state: 'Enabled', egress_default_policy: 1, services: 'Dhcp,Dns,UserData,Firewall,Lb,SourceNat,StaticNat,PortForwarding,Gateway,Vpn',
    }); // prettier-ignore
    await seedNetworks(add);
    for (const [name, cpu, ram] of OFFERINGS)
      await add('service_offering', {
        uuid: fixed(`offering ${name}`),
        name,
        display_text: `${cpu} CPUs, ${ram / 1024} GB`,
        cpu,
        speed: 2000,
        ram_size: ram,
        state: 'Active',
      });
    if (options.endpointUrl !== undefined)
      await trx('configuration')
        .insert({ name: 'endpoint.url', scope: 'global', value: options.endpointUrl })
        .onConflict(['name', 'scope'])
        .ignore();
    if (options.simulatorPort !== undefined) await seedSimulatedZone(trx, add, admin, options.simulatorPort);
    const row = await trx('user').where({ uuid: user }).first<{ api_key: string }>();
    return { apiKey: row.api_key, secretKey, password };
  });
}

/** Offerings for shared networks and VPCs, and the two ACLs that every VPC has, named as in the original. */
async function seedNetworks(add: (table: string, row: Record<string, unknown>) => Promise<void>): Promise<void> {
  await add('network_offerings', {
    uuid: fixed('shared network offering'), name: 'DefaultSharedNetworkOffering', display_text: 'Offering for Shared networks', guest_type: 'Shared', state: 'Enabled',
    egress_default_policy: 1, services: 'Dhcp,Dns,UserData', specify_vlan: 1,
  }); // prettier-ignore
  await add('network_offerings', {
    uuid: fixed('tier offering'), name: 'DefaultIsolatedNetworkOfferingForVpcNetworks', display_text: 'Offering for Isolated VPC networks with Source Nat service enabled',
    guest_type: 'Isolated', state: 'Enabled', egress_default_policy: 1, services: 'Dhcp,Dns,UserData,NetworkACL,Lb,SourceNat,StaticNat,PortForwarding,Gateway,Vpn', for_vpc: 1,
  }); // prettier-ignore
  await add('vpc_offerings', {
    uuid: fixed('vpc offering'), name: 'Default VPC offering', display_text: 'Default VPC offering', state: 'Enabled',
    services: 'Dhcp,Dns,UserData,NetworkACL,Lb,SourceNat,StaticNat,PortForwarding,Gateway,Vpn',
  }); // prettier-ignore
  for (const action of ['Allow', 'Deny']) {
    const name = `default_${action.toLowerCase()}`;
    const acl_id = fixed(`acl ${name}`);
    await add('network_acl', { uuid: acl_id, name, description: `${action === 'Allow' ? 'Allows' : 'Denies'} all traffic`, vpc_id: null }); // prettier-ignore
    for (const [i, traffic_type] of ['Ingress', 'Egress'].entries())
      await add('network_acl_item', {
        uuid: fixed(`acl ${name} ${traffic_type}`), acl_id, number: i + 1, protocol: 'all', cidr_list: '0.0.0.0/0', traffic_type, action, state: 'Active',
      }); // prettier-ignore
  }
}

async function seedSimulatedZone(
  trx: Knex.Transaction,
  add: (table: string, row: Record<string, unknown>) => Promise<void>,
  account: string,
  port: number,
): Promise<void> {
  const base = `simulator://127.0.0.1:${port}`;
  await add('data_center', {
    uuid: DEFAULT_ZONE, name: 'sim-1', networktype: 'Advanced', hypervisor: 'Simulator', allocation_state: 'Enabled', gateway_url: `${base}/gateway`, dns1: '10.0.0.53', guest_cidr: DEFAULT_GUEST_CIDR,
  }); // prettier-ignore
  await trx('data_center')
    .where({ uuid: DEFAULT_ZONE })
    .update({ gateway_url: `${base}/gateway` });
  for (let i = 1; i <= HOSTS; i++) {
    const uuid = fixed(`host ${i}`);
    await add('host', {
      uuid, name: `host-${i}`, url: `${base}/host-${i}`, data_center_id: DEFAULT_ZONE, hypervisor_type: 'Simulator', status: 'Up', resource_state: 'Enabled', arch: 'x86_64', cpus: 4096, ram_mb: 4_194_304, cpus_used: 0, ram_mb_used: 0, tags: null,
    }); // prettier-ignore
    await trx('host')
      .where({ uuid })
      .update({ url: `${base}/host-${i}` });
  }
  // The zone serves its own images, over HTTP as any mirror does.
  const served = `http://127.0.0.1:${port}`;
  const addImage = async (image: { uuid: string; url: string } & Record<string, unknown>) => {
    await add('vm_template', {
      checksum: null, size_bytes: 0, state: 'Ready', arch: 'x86_64', public: 1, direct_download: 0, account_id: account, data_center_id: DEFAULT_ZONE, ...image,
    }); // prettier-ignore
    await trx('vm_template').where({ uuid: image.uuid }).update({ url: image.url });
  };
  const stands = (image: string) =>
    trx('template_zone_ref')
      .insert({ template_id: image, zone_id: DEFAULT_ZONE, state: 'Ready', created: now(trx), updated: now(trx) })
      .onConflict(['template_id', 'zone_id'])
      .ignore();
  await stands(fixed('template'));
  await addImage({
    uuid: fixed('template'), name: 'cks-debian-12-simulated', display_text: 'Simulated CKS node template', kind: 'TEMPLATE', url: `${served}/templates/debian-12.qcow2`, format: 'QCOW2', hypervisor: 'Simulator', for_cks: 1,
  }); // prettier-ignore
  for (const version of VERSIONS) {
    const iso = fixed(`iso ${version}`);
    await addImage({
      uuid: iso, name: `v${version}-Kubernetes-Binaries-ISO`, display_text: `v${version}-Kubernetes-Binaries-ISO (simulated)`, kind: 'ISO', url: `${served}/isos/v${version}.iso`, format: 'ISO', hypervisor: null, for_cks: 0,
    }); // prettier-ignore
    await stands(iso);
    await add('kubernetes_supported_version', {
      uuid: fixed(`version ${version}`),
      name: `v${version}`,
      semantic_version: version,
      iso_id: iso,
      zone_id: DEFAULT_ZONE,
      state: 'Enabled',
      min_cpu: 2,
      min_ram_size: 2048,
    });
  }
  const known = new Set(
    (
      await trx('user_ip_address')
        .where({ data_center_id: DEFAULT_ZONE })
        .select<{ public_ip_address: string }[]>('public_ip_address')
    ).map((row) => row.public_ip_address),
  );
  const missing = simulatedAddresses(port).filter((address) => !known.has(address));
  for (let i = 0; i < missing.length; i += 60)
    await trx('user_ip_address')
      .insert(
        missing.slice(i, i + 60).map((public_ip_address) => ({
          uuid: randomUUID(),
          public_ip_address,
          data_center_id: DEFAULT_ZONE,
          state: 'Free',
          source_nat: 0,
        })),
      )
      .onConflict(['data_center_id', 'public_ip_address'])
      .ignore();
}

const newKey = () => new Secret(randomBytes(64).toString('base64url'));
