import type { DomainFacts, HostFacts, Hypervisor } from './driver.js';
import { type Signal, simulatorCall } from './simulator-call.js';

export interface SimulatorHypervisor extends Hypervisor {
  ensureStopped(name: string): Promise<void>;
}

/** A host of the simulated zone, `simulator://127.0.0.1:PORT/host-1`: any name is a host of its own. */
export function simulatorHypervisor(url: string, signal?: Signal): SimulatorHypervisor {
  const call = simulatorCall(url, 'hosts', { failed: 'HypervisorFailed', refused: 'HypervisorRefused' }, signal);
  const ensure = async (action: string, body: object): Promise<void> => {
    await call(action, body);
  };
  return {
    readFacts: () => call<HostFacts>('host.facts'),
    listDomains: () => call<DomainFacts[]>('host.list'),
    ensureIso: (isoId, isoUrl) => ensure('cache.iso', { isoId, url: isoUrl }),
    ensureVolume: (spec) => ensure('volume.create', spec),
    ensureVolumeAbsent: (name) => ensure('volume.delete', { name }),
    ensureSeed: (seed) => ensure('seed.create', seed),
    ensureSeedAbsent: (name) => ensure('seed.delete', { name }),
    ensureDefined: (spec) => ensure('domain.define', spec),
    ensureRunning: (name) => ensure('domain.start', { name }),
    ensureStopped: (name) => ensure('domain.stop', { name }),
    ensureAbsent: (name) => ensure('domain.delete', { name }),
    ensureMediumDetached: (name, medium) => ensure('medium.detach', { name, medium }),
  };
}
