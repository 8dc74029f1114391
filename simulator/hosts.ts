import { z } from 'zod';
import type { DomainFacts, HostFacts } from '../activities/hypervisor/driver.js';
import { type Action, Refusal } from './faults.js';
import type { Guests } from './guests.js';
import type { Domain, Zone } from './zone.js';

/** A route of the simulated hosts: what it acts on, and what it does. */
interface Route<Body> {
  schema: z.ZodType<Body>;
  name: (body: Body) => string;
  observes?: boolean;
  run: (at: Place, body: Body) => Promise<unknown>;
}
/** The same once the body is known to be right. */
interface Opened {
  thing: string;
  node?: string;
  observes: boolean;
  run(at: Place): Promise<unknown>;
}
interface Place {
  host: string;
  /** Of the thing on that host, in its shelf. */
  key: string;
  action: Action;
}

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
const named = z.object({ name });
const refuse = (message: string) => new Refusal(message, false);

const route =
  <Body>({ schema, name, observes = false, run }: Route<Body>) =>
  (body: unknown): Opened => {
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw refuse(z.prettifyError(parsed.error));
    return { thing: name(parsed.data), node: hostNameIn(parsed.data), observes, run: (at) => run(at, parsed.data) };
  };

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const domainSpec = z.object({
  name,
  clusterId: z.string(),
  machineId: z.string(),
  hostName: name,
  cpus: z.int().min(1),
  ramMb: z.int().min(1),
  macAddress: z.string(),
  networkId: z.string(),
  ipAddress: z.ipv4(),
  volume: name,
  media: z.array(name),
});

/** Simulated hypervisor hosts: any name is a host. Every action looks first, so the second time it changes nothing. */
export class Hosts {
  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
  ) {}

  private readonly routes: Record<string, (body: unknown) => Opened> = {
    'host.facts': route({
      schema: z.object({}),
      name: () => '',
      observes: true,
      run: async (): Promise<HostFacts> => ({ hypervisor: 'Simulator', ...this.zone.hostSize }),
    }),
    'host.list': route({
      schema: z.object({}),
      name: () => '',
      observes: true,
      run: async ({ host }): Promise<DomainFacts[]> =>
        this.zone.domains
          .values()
          .filter((domain) => domain.host === host)
          .map(({ name, clusterId, machineId, state, media }) => ({ name, clusterId, machineId, state, media }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }),
    'cache.iso': route({
      schema: z.object({ isoId: name, url: z.string() }),
      name: ({ isoId }) => `iso-${isoId}`,
      run: async ({ host, key, action }) => {
        if (this.zone.isos.has(key)) return;
        await this.zone.change(action, 0, () => this.zone.isos.put(key, { host, id: action.key }));
      },
    }),
    'volume.create': route({
      schema: z.object({ name, sizeGb: z.number(), templateId: z.string(), templateUrl: z.string() }),
      name: (spec) => spec.name,
      run: async ({ host, key, action }, spec) => {
        const found = this.zone.volumes.get(key);
        if (found && found.templateId !== spec.templateId)
          throw refuse(
            `volume ${spec.name} on ${host} is a copy of template ${found.templateId}, not ${spec.templateId}`,
          );
        if (found) return;
        const template = `${host}/${spec.templateId}`;
        await this.zone.change(action, this.zone.seconds('t_new'), () => {
          if (!this.zone.templates.has(template)) this.zone.templates.put(template, { host, id: spec.templateId });
          this.zone.volumes.put(key, { ...spec, host });
        });
      },
    }),
    'volume.delete': route({
      schema: named,
      name: ({ name }) => name,
      run: async ({ host, key, action }) => {
        if (!this.zone.volumes.has(key)) return;
        const user = this.onHost(host).find((domain) => domain.volume === action.key);
        if (user) throw refuse(`volume ${action.key} on ${host} is the disk of domain ${user.name}`);
        await this.zone.change(action, 0, () => {
          this.zone.volumes.delete(key);
          this.guests.erase(key);
        });
      },
    }),
    'seed.create': route({
      schema: z.object({ name, files: z.record(z.string(), z.string()) }),
      name: ({ name }) => name,
      run: async ({ host, key, action }, seed) => {
        const found = this.zone.seeds.get(key);
        if (found && same(found.files, seed.files)) return;
        await this.zone.change(action, 0, () => this.zone.seeds.put(key, { ...seed, host }));
      },
    }),
    'seed.delete': route({
      schema: named,
      name: ({ name }) => name,
      run: async ({ host, key, action }) => {
        if (!this.zone.seeds.has(key)) return;
        const user = this.onHost(host).find((domain) => domain.media.includes(action.key));
        if (user) throw refuse(`medium ${action.key} on ${host} is in a drive of domain ${user.name}`);
        await this.zone.change(action, 0, () => void this.zone.seeds.delete(key));
      },
    }),
    'domain.define': route({ schema: domainSpec, name: ({ name }) => name, run: (at, spec) => this.define(at, spec) }),
    'domain.start': route({ schema: named, name: ({ name }) => name, run: (at) => this.start(at) }),
    'domain.stop': route({
      schema: named,
      name: ({ name }) => name,
      run: async ({ key, action }) => {
        if (this.zone.domains.get(key)?.state !== 'running') return;
        await this.zone.change(action, this.zone.seconds('t_stop'), () => this.powerOff(key));
      },
    }),
    'domain.delete': route({
      schema: named,
      name: ({ name }) => name,
      run: async ({ key, action }) => {
        const found = this.zone.domains.get(key);
        if (!found) return;
        await this.zone.change(action, found.state === 'running' ? this.zone.seconds('t_destroy') : 0, () => {
          this.powerOff(key);
          this.zone.domains.delete(key);
          this.guests.forget(found);
        });
      },
    }),
    'medium.detach': route({
      schema: z.object({ name, medium: name }),
      name: ({ name }) => name,
      run: async ({ key, action }, { medium }) => {
        if (!this.zone.domains.get(key)?.media.includes(medium)) return;
        await this.zone.change({ ...action, key: `${action.key}/${medium}` }, this.zone.seconds('t_iso'), () => {
          const domain = this.zone.domains.get(key);
          if (domain) this.zone.domains.put(key, { ...domain, media: domain.media.filter((one) => one !== medium) });
        });
      },
    }),
  };

  /** The action that a request asks for, ready to be run; undefined when there is no such action. */
  prepare(host: string, kind: string, body: unknown): { action: Action; run: () => Promise<unknown> } | undefined {
    const opened = Object.hasOwn(this.routes, kind) ? this.routes[kind]?.(body) : undefined;
    if (!opened) return undefined;
    const { thing, observes } = opened;
    const key = `${host}/${thing}`;
    const node = this.zone.domains.get(key)?.hostName ?? opened.node;
    const action: Action = { on: 'hypervisor', kind, key: thing || host, node, host, observes };
    const subject = kind === 'medium.detach' ? 'domain' : kind.split('.')[0];
    const act = () => opened.run({ host, key, action });
    return { action, run: observes ? act : () => this.zone.locks.run(`${subject}/${key}`, act) };
  }

  private onHost(host: string): Domain[] {
    return this.zone.domains.values().filter((domain) => domain.host === host);
  }

  /** Changed hardware replaces the definition; a running domain keeps the media that it has. */
  private async define({ host, key, action }: Place, spec: z.infer<typeof domainSpec>): Promise<void> {
    const found = this.zone.domains.get(key);
    if (found) {
      const { host: _host, state, bootedAt: _bootedAt, media, ...hardware } = found;
      const { media: wanted, ...asked } = spec;
      if (same(hardware, asked) && (state === 'running' || same(media, wanted))) return;
      if (state === 'running')
        throw refuse(`domain ${spec.name} on ${host} runs with other hardware than was asked for`);
    }
    if (!this.zone.volumes.has(`${host}/${spec.volume}`)) throw refuse(`there is no volume ${spec.volume} on ${host}`);
    for (const medium of spec.media) {
      if (!this.zone.seeds.has(`${host}/${medium}`) && !this.zone.isos.has(`${host}/${medium}`))
        throw refuse(`there is no medium ${medium} on ${host}`);
    }
    const twin = this.onHost(host).find((one) => one.volume === spec.volume && one.name !== spec.name);
    if (twin) throw refuse(`volume ${spec.volume} on ${host} is the disk of domain ${twin.name}`);
    const holder = this.guests.at(spec.networkId, spec.ipAddress);
    if (holder && holder.name !== spec.name)
      throw refuse(`address ${spec.ipAddress} of network ${spec.networkId} belongs to domain ${holder.name}`);
    await this.zone.change(action, spec.media.length > 0 ? this.zone.seconds('t_iso') : 0, () => {
      if (found) this.guests.forget(found);
      const domain: Domain = { ...spec, host, state: 'shut off', bootedAt: 0 };
      this.zone.domains.put(key, domain);
      this.guests.learn(domain);
    });
  }

  private async start({ host, key, action }: Place): Promise<void> {
    const found = this.zone.domains.get(key);
    if (!found) throw refuse(`there is no domain ${action.key} on ${host}`);
    if (found.state === 'running') return;
    const used = this.onHost(host).reduce((sum, one) => sum + (one.state === 'running' ? one.ramMb : 0), 0);
    const { ramMb } = this.zone.hostSize;
    if (used + found.ramMb > ramMb)
      throw refuse(`${host} has ${ramMb} MB, of which ${used} are in use: ${action.key} needs ${found.ramMb}`);
    const half = this.zone.seconds('t_run') / 2;
    await this.zone.change(action, half, () => {
      const domain: Domain = { ...found, state: 'running', bootedAt: this.zone.clock.now() + this.zone.clock.ms(half) };
      this.zone.domains.put(key, domain);
      this.guests.boot(domain);
    });
  }

  private powerOff(key: string): void {
    const domain = this.zone.domains.get(key);
    if (domain?.state !== 'running') return;
    this.zone.domains.put(key, { ...domain, state: 'shut off', bootedAt: 0 });
    this.guests.powerOff(domain);
  }
}

/** The node that a definition or a seed is for, before a domain says so. */
function hostNameIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  if ('hostName' in body && typeof body.hostName === 'string') return body.hostName;
  const files = 'files' in body ? (body.files as Record<string, string>) : {};
  return /local-hostname:\s*(\S+)/.exec(files['meta-data'] ?? '')?.[1]?.replaceAll(/["']/g, '');
}
