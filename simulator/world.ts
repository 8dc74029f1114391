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
        domains: domains.filter((one) => one.host === host && one.media.includes(name)).map((one) => one.name),
      }))
      .sort(byText),
    networks: networks
      .map(({ networkId, networkNumber, cidr, gateway, publicAddress }) => ({
        networkId,
        networkNumber,
        cidr,
        gateway,
        publicAddress,
      }))
      .sort(byText),
    rules: networks
      .flatMap(({ networkId, publicAddress, open, forwards, balancers }) => [
        ...open.map(({ from, to }) => ({ networkId, publicAddress, kind: 'firewall', from, to })),
        ...forwards.map((one) => ({
          networkId,
          publicAddress,
          kind: 'forward',
          publicPort: one.publicPort,
          address: one.address,
          port: one.port,
        })),
        ...balancers.map((one) => ({
          networkId,
          publicAddress,
          kind: 'balancer',
          publicPort: one.publicPort,
          name: one.name,
          port: one.port,
        })),
      ])
      .sort(byText),
    members: networks
      .flatMap(({ networkId, balancers }) =>
        balancers.flatMap(({ name, members }) => members.map((address) => ({ networkId, balancer: name, address }))),
      )
      .sort(byText),
    addresses: zone.addresses
      .values()
      .map(({ publicAddress, networkId }) => ({ publicAddress, networkId }))
      .sort(byText),
    cache: {
      templates: zone.templates
        .values()
        .map(({ host, id }) => ({ host, id }))
        .sort(byText),
      isos: zone.isos
        .values()
        .map(({ host, id }) => ({ host, id }))
        .sort(byText),
    },
  };
}
