/**
 * Ten domains defined and started at the same time on one host, until libvirt reports them running, against one: containers, and
 * emulated virtual machines. Needs root and the packages of a libvirt host: a libvirtd of its own runs in namespaces.
 *
 * An emulated machine costs a core from its first moment, and containers wait for each other in the kernel: `docs/decisions/0011-libvirt-through-koffi.md`
 * says what each start costs.
 */
import { randomUUID } from 'node:crypto';
import { cpus } from 'node:os';
import { report } from './results.js';
import { type LibvirtBed, MEDIUM, startBed } from '../lab/libvirt/hosts.js';
import { whyNoLibvirt } from '../lab/libvirt/private-libvirt.js';

const ROUNDS = 5;
const MANY = 10;
const LIMIT = 3;

const why = whyNoLibvirt();
if (why !== undefined) {
  process.stderr.write(`bench:hosts: this machine ${why}\n`);
  process.exit(1);
}
let last = 0;

interface Boot {
  /** From the first definition to the moment at which libvirt reports all of them running. */
  seconds: number;
  /** Seconds of all cores of this machine, whatever they were used for. */
  cpuSeconds: number;
}
const cpuSeconds = () =>
  cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) / 1000;

async function bootAtOnce(bed: LibvirtBed, count: number): Promise<Boot> {
  const machines = Array.from({ length: count }, () => {
    const machineId = randomUUID();
    const name = `i-${machineId}`;
    const macAddress = `02:00:00:00:09:${(++last % 256).toString(16).padStart(2, '0')}`;
    const seed = {
      name: `${name}-seed`,
      files: { 'meta-data': `instance-id: ${machineId}\n`, 'user-data': '#cloud-config\n' },
    };
    const volume = { name: `${name}-root`, templateId: bed.template.id, sizeGb: 1 };
    const spec = {
      name, clusterId: 'bench', machineId, hostName: name, cpus: 1, ramMb: 64, maxCpus: 1, maxRamMb: 64, macAddress, networkId: 'bench', networkNumber: 1,
      ipAddress: '10.1.1.10', volume: volume.name, media: [seed.name],
    }; // prettier-ignore
    return { spec, seed, volume };
  });
  for (const { seed, volume } of machines) {
    await bed.driver.ensureVolume(volume);
    await bed.driver.ensureSeed(seed);
  }
  const [began, used] = [performance.now(), cpuSeconds()];
  await Promise.all(
    machines.map(async ({ spec }) => {
      await bed.driver.ensureDefined(spec);
      await bed.driver.ensureRunning(spec.name);
    }),
  );
  const running = (await bed.driver.listDomains()).filter(({ state }) => state === 'running').length;
  const boot = { seconds: (performance.now() - began) / 1000, cpuSeconds: cpuSeconds() - used };
  if (running !== count) throw new Error(`${running} of ${count} domains run`);
  for (const { spec, seed, volume } of machines) {
    await bed.driver.ensureAbsent(spec.name);
    await bed.driver.ensureSeedAbsent(seed.name);
    await bed.driver.ensureVolumeAbsent(volume.name);
  }
  return boot;
}

const median = (boots: Boot[], of: keyof Boot) =>
  boots.map((boot) => boot[of]).sort((a, b) => a - b)[Math.floor(boots.length / 2)] ?? NaN;
const shown = (boots: Boot[]) =>
  `median ${median(boots, 'seconds').toFixed(2)}, ${boots.map(({ seconds }) => seconds.toFixed(2)).join(' ')}; ${median(boots, 'cpuSeconds').toFixed(2)} s of CPU`;

/** Ten against one, in turn, on a libvirtd that has started such domains before. */
async function measure(kind: 'lxc' | 'qemu'): Promise<{ ratio: number; lines: string[] }> {
  const bed = await startBed(kind);
  for (const image of [bed.template, MEDIUM]) await bed.driver.ensureImage(image, () => bed.file(image));
  await bootAtOnce(bed, MANY); // connections and QEMU's capabilities, once
  const single: Boot[] = [];
  const many: Boot[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    single.push(await bootAtOnce(bed, 1));
    many.push(await bootAtOnce(bed, MANY));
  }
  await bed.stop();
  const ratio = median(many, 'seconds') / median(single, 'seconds');
  // Where all cores are in use all the time nothing waits for anything else: less is possible by less work only.
  const busy = median(many, 'cpuSeconds') / median(many, 'seconds') / cpus().length;
  return {
    ratio,
    lines: [
      `${KINDS[kind]}:`,
      `  1 domain:    ${shown(single)}`,
      `  ${MANY} domains:  ${shown(many)}`,
      `  cores in use while ${MANY} start: ${Math.round(100 * busy)} % of ${cpus().length}`,
      `  ratio:       ${ratio.toFixed(2)} (limit ${LIMIT} on two cores)`,
    ],
  };
}

const KINDS = { lxc: 'containers (lxc)', qemu: 'virtual machines of 64 MB, emulated (qemu, TCG)' };
const found = [await measure('lxc'), await measure('qemu')];
report('hosts', 'npm run bench:hosts', [
  `${ROUNDS} rounds, in turn, on a private libvirtd; seconds until libvirt reports them running`,
  ...found.flatMap(({ lines }) => lines),
]);
process.exit(found.some(({ ratio }) => ratio > LIMIT) ? 1 : 0);
