import type {
  DomainFacts,
  DomainSpec,
  HostNetwork,
  Hypervisor,
  SeedMedium,
  VolumeSpec,
} from '../../activities/hypervisor/driver.js';
import { fault } from '../../workflows/model/fault.js';

/** One host in memory, with faults to switch on by the name of a call. */
export class FakeHost {
  readonly domains = new Map<string, DomainSpec & { state: DomainFacts['state'] }>();
  /** Domains that somebody else made: listed once they are adopted. */
  readonly foreign = new Map<string, DomainSpec & { state: DomainFacts['state'] }>();
  readonly volumes = new Map<string, VolumeSpec>();
  readonly seeds = new Map<string, SeedMedium>();
  readonly images = new Set<string>();
  readonly networks = new Set<string>();
  /** Calls that changed something, with what they changed. */
  readonly effects: string[] = [];
  /** Faults by call: each is thrown so often, before or after the effect. */
  readonly troubles = new Map<string, { times: number; after?: boolean; forGood?: boolean }>();
  /** Called when a call begins. */
  onCall: (call: string) => void | Promise<void> = () => undefined;

  driver(): Hypervisor {
    const call = async (name: string, effect: () => string | undefined): Promise<void> => {
      await this.onCall(name);
      const trouble = this.troubles.get(name);
      const strikes = trouble !== undefined && trouble.times > 0;
      if (strikes) trouble.times--;
      const failure = () => fault(trouble?.forGood ? 'HypervisorRefused' : 'HypervisorFailed', `${name} is broken`);
      if (strikes && !trouble.after) throw failure();
      const changed = effect();
      if (changed !== undefined) this.effects.push(`${name} ${changed}`);
      if (strikes) throw failure();
    };
    const put = <T>(map: Map<string, T>, key: string, value: T) =>
      map.has(key) ? undefined : (map.set(key, value), key);
    const take = (map: Map<string, unknown>, key: string) => (map.delete(key) ? key : undefined);
    const power = (name: string, state: DomainFacts['state']) => {
      const domain = this.domains.get(name);
      if (!domain) throw fault('HypervisorRefused', `there is no domain ${name}`);
      if (domain.state === state) return undefined;
      domain.state = state;
      return name;
    };
    const known = (set: Set<string>, key: string) => (set.has(key) ? undefined : (set.add(key), key));
    return {
      readFacts: async () => ({ hypervisor: 'Fake', arch: 'x86_64', cpus: 64, ramMb: 65536 }),
      listDomains: async () => {
        await call('listDomains', () => undefined);
        return [...this.domains.values()].map(({ name, clusterId, machineId, state, media, cpus, ramMb }) => ({
          name,
          clusterId,
          machineId,
          state,
          media,
          cpus,
          ramMb,
        }));
      },
      listVolumes: async () => [...this.volumes.keys(), ...this.seeds.keys(), ...this.images],
      ensureImage: (image, file) =>
        file().then(() => call('ensureImage', () => known(this.images, `${image.kind} ${image.id}`))),
      ensureImageAbsent: (name) => call('ensureImageAbsent', () => (this.images.delete(name) ? name : undefined)),
      ensureNetwork: ({ networkId }: HostNetwork) => call('ensureNetwork', () => known(this.networks, networkId)),
      ensureNetworkAbsent: ({ networkId }) =>
        call('ensureNetworkAbsent', () => (this.networks.delete(networkId) ? networkId : undefined)),
      ensureVolume: (spec) => call('ensureVolume', () => put(this.volumes, spec.name, spec)),
      ensureVolumeAbsent: (name) => call('ensureVolumeAbsent', () => take(this.volumes, name)),
      ensureSeed: (seed) => call('ensureSeed', () => put(this.seeds, seed.name, seed)),
      ensureSeedAbsent: (name) => call('ensureSeedAbsent', () => take(this.seeds, name)),
      ensureDefined: (spec) =>
        call('ensureDefined', () => put(this.domains, spec.name, { ...spec, state: 'shut off' as const })),
      ensureRunning: (name) => call('ensureRunning', () => power(name, 'running')),
      ensureStopped: (name, grace) =>
        call(`ensureStopped`, () => power(name, 'shut off') && `${name} after ${grace} s`),
      ensureAbsent: (name) => call('ensureAbsent', () => take(this.domains, name)),
      ensureMediumAttached: () => call('ensureMediumAttached', () => undefined),
      ensureMediumDetached: () => call('ensureMediumDetached', () => undefined),
      ensureAdopted: (name, machineId) =>
        call('ensureAdopted', () => {
          const domain = this.foreign.get(name);
          if (!domain && !this.domains.has(name)) throw fault('HypervisorRefused', `there is no domain ${name}`);
          if (domain) this.domains.set(name, { ...domain, machineId });
          return domain && this.foreign.delete(name) ? name : undefined;
        }),
      ensureLetGo: (name) =>
        call('ensureLetGo', () => {
          const domain = this.domains.get(name);
          if (domain) this.foreign.set(name, domain);
          return this.domains.delete(name) ? name : undefined;
        }),
      ensureSize: () => call('ensureSize', () => undefined),
    };
  }
}
