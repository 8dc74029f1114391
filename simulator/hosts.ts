import { z } from 'zod';
import type { DomainFacts, HostFacts } from '../activities/hypervisor/driver.js';
import type { Shelf } from './disk.js';
import type { Action } from './faults.js';
import type { Guests } from './guests.js';
import { type Machines, domainSpec, refuse } from './machines.js';
import type { Copy, Zone } from './zone.js';

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
export interface Place {
  host: string;
  /** Of the thing on that host, in its shelf. */
  key: string;
  action: Action;
}

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
const named = z.object({ name });
const copy = z.object({ id: name, url: z.string(), bytes: z.int().optional(), sha256: z.string().optional() });
const network = z.object({ networkId: z.string().min(1), networkNumber: z.int() });

const route =
  <Body>({ schema, name, observes = false, run }: Route<Body>) =>
  (body: unknown): Opened => {
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw refuse(z.prettifyError(parsed.error));
    return { thing: name(parsed.data), node: hostNameIn(parsed.data), observes, run: (at) => run(at, parsed.data) };
  };
const onDomain = (run: (at: Place) => Promise<unknown>) => route({ schema: named, name: ({ name }) => name, run });
const look = (run: (host: string) => unknown) =>
  route({ schema: z.object({}), name: () => '', observes: true, run: async ({ host }) => run(host) });

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Simulated hypervisor hosts: any name is a host. Every action looks first, so the second time it changes nothing. */
export class Hosts {
  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
    private readonly machines: Machines,
  ) {}

  private readonly routes: Record<string, (body: unknown) => Opened> = {
    'host.facts': look((): HostFacts => ({ hypervisor: 'Simulator', ...this.zone.hostSize })),
    'host.list': look((host): DomainFacts[] =>
      [...this.zone.domains.in(host).values()]
        .map(({ name, clusterId, machineId, state, media, cpus, ramMb }) => {
          return { name, clusterId, machineId, state, media, cpus, ramMb };
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ),
    'host.volumes': look((host): string[] => {
      const { volumes, seeds, isos, templates } = this.zone;
      const names = [volumes, seeds].flatMap((shelf) => [...shelf.in(host).values()].map((one) => one.name));
      const copies = [...templates.in(host).values()].map(({ id }) => `template-${id}`);
      return [...names, ...copies, ...[...isos.in(host).values()].map(({ id }) => id)].sort();
    }),
    'cache.template': route({
      schema: copy,
      name: ({ id }) => `template-${id}`,
      run: ({ host, action }, { id, ...file }) =>
        this.cache(action, this.zone.templates, `${host}/${id}`, { host, id, ...file }),
    }),
    'cache.iso': route({
      schema: copy,
      name: ({ id }) => `iso-${id}`,
      run: ({ host, key, action }, file) => this.cache(action, this.zone.isos, key, { host, ...file, id: action.key }),
    }),
    'cache.delete': onDomain(async ({ host, key, action }) => {
      const id = action.key.replace(/^template-/, '');
      const template = id === action.key ? undefined : `${host}/${id}`;
      if (!this.zone.isos.has(key) && !this.zone.templates.has(template ?? '')) return;
      this.assertNotInDrive(host, action.key);
      const copy = [...this.zone.volumes.in(host).values()].find((one) => template && one.templateId === id);
      if (copy) throw refuse(`template ${id} on ${host} is what volume ${copy.name} is a copy of`);
      await this.zone.change(action, 0, () => {
        this.zone.isos.delete(key);
        if (template) this.zone.templates.delete(template);
      });
    }),
    'network.create': route({
      schema: network,
      name: ({ networkId }) => networkId,
      run: async ({ host, key, action }, wanted) => {
        if (this.zone.bridges.has(key)) return;
        await this.zone.change(action, 0, () => this.zone.bridges.put(key, { ...wanted, host }));
      },
    }),
    'network.delete': route({
      schema: network,
      name: ({ networkId }) => networkId,
      run: async ({ host, key, action }, { networkId }) => {
        const used = [...this.zone.domains.in(host).values()].some((domain) => domain.networkId === networkId);
        if (used || !this.zone.bridges.has(key)) return;
        await this.zone.change(action, 0, () => void this.zone.bridges.delete(key));
      },
    }),
    'volume.create': route({
      schema: z.object({ name, sizeGb: z.number(), templateId: name }),
      name: (spec) => spec.name,
      run: async ({ host, key, action }, spec) => {
        const found = this.zone.volumes.get(key);
        if (found && found.templateId !== spec.templateId)
          throw refuse(
            `volume ${spec.name} on ${host} is a copy of template ${found.templateId}, not ${spec.templateId}`,
          );
        if (found) return;
        if (!this.zone.templates.has(`${host}/${spec.templateId}`))
          throw refuse(`there is no template ${spec.templateId} on ${host} to make volume ${spec.name} from`);
        await this.zone.change(action, this.zone.seconds('t_new'), () => this.zone.volumes.put(key, { ...spec, host }));
      },
    }),
    'volume.delete': onDomain(async ({ host, key, action }) => {
      if (!this.zone.volumes.has(key)) return;
      const user = [...this.zone.domains.in(host).values()].find((domain) => domain.volume === action.key);
      if (user) throw refuse(`volume ${action.key} on ${host} is the disk of domain ${user.name}`);
      await this.zone.change(action, 0, () => {
        this.zone.volumes.delete(key);
        this.guests.erase(key);
      });
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
    'seed.delete': onDomain(async ({ host, key, action }) => {
      if (!this.zone.seeds.has(key)) return;
      this.assertNotInDrive(host, action.key);
      await this.zone.change(action, 0, () => void this.zone.seeds.delete(key));
    }),
    'domain.define': route({
      schema: domainSpec,
      name: ({ name }) => name,
      run: (at, spec) => this.machines.define(at, spec),
    }),
    'domain.start': onDomain((at) => this.machines.start(at)),
    'domain.stop': route({
      schema: z.object({ name, graceSeconds: z.number().min(0) }),
      name: ({ name }) => name,
      run: (at, { graceSeconds }) => this.machines.stop(at, graceSeconds),
    }),
    'domain.resize': route({
      schema: z.object({ name, cpus: z.int().min(1), ramMb: z.int().min(1) }),
      name: ({ name }) => name,
      run: (at, { cpus, ramMb }) => this.machines.resize(at, { cpus, ramMb }),
    }),
    'domain.delete': onDomain((at) => this.machines.remove(at)),
    'medium.attach': route({
      schema: z.object({ name, medium: name }),
      name: ({ name }) => name,
      run: (at, { medium }) => this.machines.attach(at, medium),
    }),
    'medium.detach': route({
      schema: z.object({ name, medium: name }),
      name: ({ name }) => name,
      run: (at, { medium }) => this.machines.detach(at, medium),
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
    const subject = kind.startsWith('medium.') ? 'domain' : kind.split('.')[0];
    const act = () => opened.run({ host, key, action });
    return { action, run: observes ? act : () => this.zone.locks.run(`${subject}/${key}`, act) };
  }

  /** Without the sum of a file it is only asked whether there is a copy. */
  private async cache(action: Action, shelf: Shelf<Copy>, key: string, file: Copy): Promise<{ stands: boolean }> {
    if (file.sha256 !== undefined && !shelf.has(key)) await this.zone.change(action, 0, () => shelf.put(key, file));
    return { stands: shelf.has(key) };
  }

  private assertNotInDrive(host: string, medium: string): void {
    const user = [...this.zone.domains.in(host).values()].find((domain) => domain.media.includes(medium));
    if (user) throw refuse(`medium ${medium} on ${host} is in a drive of domain ${user.name}`);
  }
}

/** The node that a definition or a seed is for, before a domain says so. */
function hostNameIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  if ('hostName' in body && typeof body.hostName === 'string') return body.hostName;
  const files = 'files' in body ? (body.files as Record<string, string>) : {};
  return /local-hostname:\s*(\S+)/.exec(files['meta-data'] ?? '')?.[1]?.replaceAll(/["']/g, '');
}
