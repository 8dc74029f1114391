import type { Zone } from './zone.js';

const byText = (a: unknown, b: unknown) => {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
};

/** Everything that exists in the simulated zone, sorted, in a fixed order of keys, nothing secret: two equal worlds are equal texts. */
export function readWorld(zone: Zone) {
  const networks = zone.networks.values();
  const domains = zone.domains.values();
  return {
    domains: domains
      .map(
        ({
          host,
          name,
          hostName,
          state,
          clusterId,
          machineId,
          cpus,
          ramMb,
          macAddress,
          networkId,
          ipAddress,
          volume,
          media,
        }) => ({
          host,
          name,
          hostName,
          state,
          clusterId,
          machineId,
          cpus,
          ramMb,
          macAddress,
          networkId,
          ipAddress,
          volume,
          media: [...media].sort(),
        }),
      )
      .sort(byText),
    volumes: zone.volumes
      .values()
      .map(({ host, name, sizeGb, templateId }) => ({ host, name, sizeGb, templateId }))
      .sort(byText),
    media: zone.seeds
      .values()
      .map(({ host, name }) => ({
        host,
        name,
        domains: [...zone.domains.in(host).values()].filter((one) => one.media.includes(name)).map((one) => one.name),
      }))
      .sort(byText),
    bridges: zone.bridges
      .values()
      .map(({ host, networkId, networkNumber }) => ({ host, networkId, networkNumber }))
      .sort(byText),
    networks: networks
      .flatMap(({ tiers, publicAddresses }) =>
        tiers.map(({ networkId, networkNumber, cidr, gateway }) => ({
          networkId,
          networkNumber,
          cidr,
          gateway,
          publicAddress: publicAddresses[0] ?? '',
        })),
      )
      .sort(byText),
    rules: networks
      .flatMap(({ networkId, openings, forwards, balancers }) => [
        ...openings.map(({ publicAddress, protocol, from, to, cidr }) => ({
          networkId,
          publicAddress,
          kind: 'firewall',
          protocol,
          from,
          to,
          cidr,
        })),
        ...forwards.map(({ publicAddress, protocol, publicPort, publicEndPort, address, port }) => ({
          networkId,
          publicAddress,
          kind: 'forward',
          protocol,
          publicPort,
          publicEndPort,
          address,
          port,
        })),
        ...balancers.map(({ publicAddress, publicPort, name, port, algorithm }) => ({
          networkId,
          publicAddress,
          kind: 'balancer',
          publicPort,
          name,
          port,
          algorithm,
        })),
      ])
      .sort(byText),
    members: networks
      .flatMap(({ networkId, balancers }) =>
        balancers.flatMap(({ name, members }) =>
          members.map(({ address, draining }) => ({ networkId, balancer: name, address, draining })),
        ),
      )
      .sort(byText),
    addresses: zone.addresses
      .values()
      .map(({ publicAddress, networkId }) => ({ publicAddress, networkId }))
      .sort(byText),
    cache: {
      templates: zone.templates
        .values()
        .map(({ host, id, bytes, sha256 }) => ({ host, id, bytes, sha256 }))
        .sort(byText),
      isos: zone.isos
        .values()
        .map(({ host, id, bytes, sha256 }) => ({ host, id, bytes, sha256 }))
        .sort(byText),
    },
  };
}
