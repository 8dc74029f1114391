import type { DomainFacts, HostFacts, Hypervisor } from './driver.js';
import { type Signal, simulatorCall } from './simulator-call.js';

/** A host of the simulated zone, `simulator://127.0.0.1:PORT/host-1`: any name is a host of its own. */
export function simulatorHypervisor(url: string, signal?: Signal): Hypervisor {
  const call = simulatorCall(url, 'hosts', { failed: 'HypervisorFailed', refused: 'HypervisorRefused' }, signal);
  const ensure = async (action: string, body: object): Promise<void> => {
    await call(action, body);
  };
  return {
    readFacts: () => call<HostFacts>('host.facts'),
    listDomains: () => call<DomainFacts[]>('host.list'),
    listVolumes: () => call<string[]>('host.volumes'),
    async ensureImage({ kind, id, url }, file) {
      const action = kind === 'ISO' ? 'cache.iso' : 'cache.template';
      if ((await call<{ stands: boolean }>(action, { id, url })).stands) return;
      // The simulated data centre is on this machine, and serves its own media. It keeps what a file is, not the file.
      const { bytes, sha256 } = await file({ loopback: true });
      await ensure(action, { id, url, bytes, sha256 });
    },
    ensureImageAbsent: (name) => ensure('cache.delete', { name }),
    ensureNetwork: (network) => ensure('network.create', network),
    ensureNetworkAbsent: (network) => ensure('network.delete', network),
    ensureVolume: (spec) => ensure('volume.create', spec),
    ensureVolumeAbsent: (name) => ensure('volume.delete', { name }),
    ensureSeed: (seed) => ensure('seed.create', seed),
    ensureSeedAbsent: (name) => ensure('seed.delete', { name }),
    ensureDefined: (spec) => ensure('domain.define', spec),
    ensureRunning: (name) => ensure('domain.start', { name }),
    ensureStopped: (name, graceSeconds) => ensure('domain.stop', { name, graceSeconds }),
    ensureAbsent: (name) => ensure('domain.delete', { name }),
    ensureMediumAttached: (name, medium) => ensure('medium.attach', { name, medium }),
    ensureMediumDetached: (name, medium) => ensure('medium.detach', { name, medium }),
    ensureSize: (name, size) => ensure('domain.resize', { name, ...size }),
  };
}
