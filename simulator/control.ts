import { z } from 'zod';
import { faultSchema } from './faults.js';
import { HttpError } from './http.js';
import type { Guests } from './guests.js';
import type { Machines } from './machines.js';
import { seed, seedSchema } from './seeding.js';
import { readWorld } from './world.js';
import type { Zone } from './zone.js';

const hostSchema = z.strictObject({ down: z.boolean(), hang: z.boolean().default(false) });
const clockSchema = z.strictObject({ offsetSeconds: z.number() });
const domainSchema = z.strictObject({ state: z.enum(['running', 'shut off', 'gone']) });

/** Answers `METHOD /control/…`: what a test sees of the zone, and what it does to it behind the service's back. */
export type Control = (method: string, path: string[], body: () => Promise<unknown>) => Promise<unknown>;

export function controlOf(zone: Zone, guests: Guests, machines: Machines): Control {
  return async (method, [part = '', name], body) => {
    const read = async <T>(schema: z.ZodType<T>): Promise<T> => {
      const parsed = schema.safeParse(await body());
      if (!parsed.success) throw new HttpError(400, z.prettifyError(parsed.error));
      return parsed.data;
    };
    switch (`${method} ${part}${name === undefined ? '' : '/NAME'}`) {
      case 'GET world':
        return readWorld(zone);
      case 'GET runs':
        return guests.shelf.values().flatMap(({ hostName: node, runs }) =>
          Object.values(runs)
            .filter(({ state }) => state === 'queued' || state === 'running')
            .map(({ key, subcommand, state }) => ({ node, subcommand, key, state })),
        );
      case 'GET faults':
        return zone.faults.list();
      case 'DELETE faults':
        return { removed: zone.faults.clear() };
      case 'DELETE faults/NAME':
        return { removed: zone.faults.clear(name) };
      case 'POST faults':
        return zone.faults.add(await read(faultSchema));
      case 'POST hosts/NAME': {
        const wanted = await read(hostSchema);
        machines.setHost(name ?? '', wanted);
        return { host: name, ...wanted };
      }
      case 'POST domains/NAME': {
        const { state } = await read(domainSchema);
        if (!machines.meddle(name ?? '', state)) throw new HttpError(404, `there is no domain ${name}`);
        return { domain: name, state };
      }
      case 'GET clock':
        return { offsetSeconds: zone.clock.offsetSeconds, date: new Date(zone.clock.calendar()).toISOString() };
      case 'POST clock':
        zone.setCalendar((await read(clockSchema)).offsetSeconds);
        return { offsetSeconds: zone.clock.offsetSeconds, date: new Date(zone.clock.calendar()).toISOString() };
      case 'POST seed':
        return { domains: seed(zone, guests, await read(seedSchema)) };
      default:
        throw new HttpError(
          404,
          `the simulated zone has no ${method} /control/${part}${name === undefined ? '' : `/${name}`}`,
        );
    }
  };
}
