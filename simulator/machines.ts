import { z } from 'zod';
import { type Action, Refusal } from './faults.js';
import { type Guests, domainKeyOf } from './guests.js';
import type { Place } from './hosts.js';
import type { Domain, Zone } from './zone.js';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
const count = z.int().min(1);

export const domainSpec = z.object({
  name,
  clusterId: z.string(),
  machineId: z.string(),
  hostName: name,
  cpus: count,
  ramMb: count,
  maxCpus: count,
  maxRamMb: count,
  macAddress: z.string(),
  networkId: z.string(),
  networkNumber: z.int(),
  ipAddress: z.ipv4(),
  volume: name,
  media: z.array(name),
});
interface Size {
  cpus: number;
  ramMb: number;
}

export const refuse = (message: string) => new Refusal(message, false);
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** How long a real guest takes to power off: a guest's patience runs at the pace of the profile. */
const REALISTIC_STOP_SECONDS = 10;

/** What is done to machines: by the service through its host, and from outside behind its back. */
export class Machines {
  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
  ) {}

  /** Changed hardware replaces the definition; a running domain keeps the media that it has. */
  async define({ host, key, action }: Place, spec: z.infer<typeof domainSpec>): Promise<void> {
    const found = this.zone.domains.get(key);
    if (found) {
      const { host: _host, state, bootedAt: _bootedAt, autostart: _autostart, media, ...hardware } = found;
      const { media: wanted, ...asked } = spec;
      const { maxCpus, maxRamMb } = hardware;
      const isRunning = state === 'running';
      if (
        isRunning
          ? same(hardware, { ...asked, maxCpus, maxRamMb })
          : same({ ...hardware, media }, { ...asked, media: wanted })
      )
        return;
      if (isRunning) throw refuse(`domain ${spec.name} on ${host} runs with other hardware than was asked for`);
    }
    if (!this.zone.volumes.has(`${host}/${spec.volume}`)) throw refuse(`there is no volume ${spec.volume} on ${host}`);
    for (const medium of spec.media) this.assertMedium(host, medium);
    const twin = this.on(host).find((one) => one.volume === spec.volume && one.name !== spec.name);
    if (twin) throw refuse(`volume ${spec.volume} on ${host} is the disk of domain ${twin.name}`);
    const holder = this.guests.at(spec.networkId, spec.ipAddress);
    // What is off with its host answers at no address.
    if (holder && holder.name !== spec.name && !this.zone.outages.has(holder.host))
      throw refuse(`address ${spec.ipAddress} of network ${spec.networkId} belongs to domain ${holder.name}`);
    await this.zone.change(action, spec.media.length > 0 ? this.zone.seconds('t_iso') : 0, () => {
      if (found) this.guests.forget(found);
      const autostart = found?.autostart ?? false;
      const domain: Domain = { ...spec, host, state: 'shut off', bootedAt: 0, autostart };
      this.zone.domains.put(key, domain);
      this.guests.learn(domain);
    });
  }

  async start({ host, key, action }: Place): Promise<void> {
    const found = this.find(host, key, action);
    const isRunning = found.state === 'running';
    if (isRunning && found.autostart) return;
    if (!isRunning) this.assertMemory(host, found, found.ramMb);
    await this.zone.change(action, isRunning ? 0 : this.zone.seconds('t_run') / 2, () => {
      this.set(key, { autostart: true });
      this.powerOn(key);
    });
  }

  /** A guest that hangs (fault `node.poweroff`) is powered off when the grace is over. */
  async stop({ key, action }: Place, graceSeconds: number): Promise<void> {
    const found = this.zone.domains.get(key);
    if (!found || (found.state !== 'running' && !found.autostart)) return;
    const isRunning = found.state === 'running';
    const { hostName: node } = found;
    const fault = isRunning && this.zone.faults.take({ on: 'node', kind: 'node.poweroff', key: action.key, node });
    const pace = this.zone.seconds('t_stop') / REALISTIC_STOP_SECONDS;
    const seconds = fault ? graceSeconds * pace : this.zone.seconds('t_stop');
    await this.zone.change(action, isRunning ? seconds : 0, () => {
      this.set(key, { autostart: false });
      this.powerOff(key);
    });
  }

  async resize({ host, key, action }: Place, { cpus, ramMb }: Size): Promise<void> {
    const found = this.find(host, key, action);
    if (found.cpus === cpus && found.ramMb === ramMb) return;
    const isRunning = found.state === 'running';
    const { maxCpus, maxRamMb } = found;
    if (isRunning && (cpus > maxCpus || ramMb > maxRamMb))
      throw refuse(
        `domain ${action.key} runs with at most ${maxCpus} CPUs and ${maxRamMb} MB, not ${cpus} and ${ramMb} MB`,
      );
    if (isRunning) this.assertMemory(host, found, ramMb - found.ramMb);
    await this.zone.change(action, isRunning ? this.zone.seconds('t_resize') : 0, () =>
      this.set(key, { cpus, ramMb, maxCpus: Math.max(cpus, maxCpus), maxRamMb: Math.max(ramMb, maxRamMb) }),
    );
  }

  async remove({ key, action }: Place): Promise<void> {
    const found = this.zone.domains.get(key);
    if (!found) return;
    await this.zone.change(action, found.state === 'running' ? this.zone.seconds('t_destroy') : 0, () =>
      this.undefine(key),
    );
  }

  async attach({ host, key, action }: Place, medium: string): Promise<void> {
    if (this.find(host, key, action).media.includes(medium)) return;
    this.assertMedium(host, medium);
    await this.zone.change({ ...action, key: `${action.key}/${medium}` }, this.zone.seconds('t_iso'), () => {
      const { media = [] } = this.zone.domains.get(key) ?? {};
      this.set(key, { media: [...media, medium] });
    });
  }

  async detach({ key, action }: Place, medium: string): Promise<void> {
    if (!this.zone.domains.get(key)?.media.includes(medium)) return;
    await this.zone.change({ ...action, key: `${action.key}/${medium}` }, this.zone.seconds('t_iso'), () => {
      const { media = [] } = this.zone.domains.get(key) ?? {};
      this.set(key, { media: media.filter((one) => one !== medium) });
    });
  }

  /** A domain switched on, off or undefined behind the service's back; false when there is none of that name. */
  meddle(domainName: string, state: 'running' | 'shut off' | 'gone'): boolean {
    const found = this.zone.domains.values().find(({ name }) => name === domainName);
    if (!found) return false;
    const key = domainKeyOf(found);
    this.zone.disk.commit(() => {
      if (state === 'gone') this.undefine(key);
      else if (state === 'shut off') this.powerOff(key);
      else this.powerOn(key);
    });
    return true;
  }

  /** A host that loses its power, or has it back: then the machines that start with it start. */
  setHost(host: string, { down, hang }: { down: boolean; hang: boolean }): void {
    this.zone.disk.commit(() => {
      if (down) this.zone.outages.put(host, { host, hang });
      else if (!this.zone.outages.delete(host)) return;
      for (const [key, { autostart }] of [...this.zone.domains.in(host)])
        if (down) this.powerOff(key);
        else if (autostart) this.powerOn(key);
    });
  }

  private on(host: string): Domain[] {
    return [...this.zone.domains.in(host).values()];
  }

  private find(host: string, key: string, action: Action): Domain {
    const found = this.zone.domains.get(key);
    if (!found) throw refuse(`there is no domain ${action.key} on ${host}`);
    return found;
  }

  private set(key: string, change: Partial<Domain>): void {
    const domain = this.zone.domains.get(key);
    if (domain) this.zone.domains.put(key, { ...domain, ...change });
  }

  private assertMedium(host: string, medium: string): void {
    if (!this.zone.seeds.has(`${host}/${medium}`) && !this.zone.isos.has(`${host}/${medium}`))
      throw refuse(`there is no medium ${medium} on ${host}`);
  }

  private assertMemory(host: string, domain: Domain, moreMb: number): void {
    const used = this.on(host).reduce((sum, one) => sum + (one.state === 'running' ? one.ramMb : 0), 0);
    const { ramMb } = this.zone.hostSize;
    if (used + moreMb > ramMb)
      throw refuse(`${host} has ${ramMb} MB, of which ${used} are in use: ${domain.name} needs ${moreMb} more`);
  }

  private powerOn(key: string): void {
    const found = this.zone.domains.get(key);
    if (!found || found.state === 'running' || this.zone.outages.has(found.host)) return;
    const bootedAt = this.zone.clock.now() + this.zone.clock.ms(this.zone.seconds('t_run') / 2);
    const domain: Domain = { ...found, state: 'running', bootedAt };
    this.zone.domains.put(key, domain);
    this.guests.boot(domain);
  }

  private powerOff(key: string): void {
    const domain = this.zone.domains.get(key);
    if (domain?.state !== 'running') return;
    this.zone.domains.put(key, { ...domain, state: 'shut off', bootedAt: 0 });
    this.guests.powerOff(domain);
  }

  private undefine(key: string): void {
    const found = this.zone.domains.get(key);
    if (!found) return;
    this.powerOff(key);
    this.zone.domains.delete(key);
    this.guests.forget(found);
  }
}
