import { z } from 'zod';
import { type Guests, domainKeyOf, guestKeyOf } from './guests.js';
import { domainSpec, refuse } from './machines.js';
import type { Domain, Zone } from './zone.js';

const text = z.string().min(1);
/** A machine that is there without having been made through its host: only its host and its name have to be said. */
const machine = domainSpec.partial().extend({
  host: text,
  name: domainSpec.shape.name,
  state: z.enum(['running', 'shut off']).default('running'),
  templateId: text.default('seeded'),
  /** Of its root disk. */
  sizeGb: z.int().min(1).default(8),
  /** Its system, which answers SSH: the private host key (PEM or OpenSSH), and the public keys that may log in. */
  guest: z.strictObject({ hostKey: text, authorizedKeys: z.array(text) }).optional(),
});
export const seedSchema = z.strictObject({ domains: z.array(machine) });

/** Leaves these machines in the zone, all or none, in one write and without a record: thousands take a second. */
export function seed(zone: Zone, guests: Guests, { domains }: z.infer<typeof seedSchema>): number {
  let number = zone.domains.keys().length;
  const known = domains.find(({ host, name }) => zone.domains.has(`${host}/${name}`));
  if (known) throw refuse(`there is a domain ${known.name} on ${known.host} already`);
  zone.disk.commit(() => {
    for (const { host, state, templateId, sizeGb, guest, ...given } of domains) {
      const { name, cpus = 2, ramMb = 2048 } = given;
      const [low, mid, high] = [++number % 250, Math.floor(number / 250) % 250, Math.floor(number / 62_500)];
      const base = {
        clusterId: '',
        machineId: name.replace(/^i-/, ''),
        hostName: name,
        maxCpus: cpus,
        maxRamMb: ramMb,
      };
      const place = { networkId: 'seeded', networkNumber: 1, ipAddress: `10.${high}.${mid}.${low + 1}` };
      const rest = {
        macAddress: '02:00:00:00:00:01',
        volume: `${name}-root`,
        media: [],
        autostart: state === 'running',
      };
      const bootedAt = state === 'running' ? zone.clock.now() : 0;
      const domain: Domain = { ...base, ...place, ...rest, ...given, cpus, ramMb, host, state, bootedAt };
      zone.domains.put(domainKeyOf(domain), domain);
      zone.volumes.put(guestKeyOf(domain), { host, name: domain.volume, sizeGb, templateId });
      guests.learn(domain);
      if (!guest) continue;
      const { hostName, machineId: instanceId } = domain;
      guests.shelf.put(guestKeyOf(domain), { ...guest, instanceId, hostName, programs: [], runs: {} });
      if (state === 'running') guests.boot(domain);
    }
  });
  return domains.length;
}
