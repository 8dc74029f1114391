/**
 * Ten domains defined and started at the same time on one host, until libvirt reports them running, against one. Needs root and the
 * packages of a libvirt host: a libvirtd of its own runs in namespaces, and guests are emulated.
 */
import { randomUUID } from 'node:crypto';
import { report } from './results.js';
import { MEDIUM, startBed } from '../lab/libvirt/hosts.js';
import { whyNoLibvirt } from '../lab/libvirt/private-libvirt.js';

const ROUNDS = 5;
const MANY = 10;
const LIMIT = 3;

const why = whyNoLibvirt();
if (why !== undefined) {
  process.stderr.write(`bench:hosts: this machine ${why}\n`);
  process.exit(1);
}
const bed = await startBed('qemu');
let last = 0;

/** Seconds from the first definition to the moment at which libvirt reports all of them running. */
async function bootAtOnce(count: number): Promise<number> {
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
  const began = performance.now();
  await Promise.all(
    machines.map(async ({ spec }) => {
      await bed.driver.ensureDefined(spec);
      await bed.driver.ensureRunning(spec.name);
    }),
  );
  const running = (await bed.driver.listDomains()).filter(({ state }) => state === 'running').length;
  const seconds = (performance.now() - began) / 1000;
  if (running !== count) throw new Error(`${running} of ${count} domains run`);
  for (const { spec, seed, volume } of machines) {
    await bed.driver.ensureAbsent(spec.name);
    await bed.driver.ensureSeedAbsent(seed.name);
    await bed.driver.ensureVolumeAbsent(volume.name);
  }
  return seconds;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const shown = (values: number[]) => values.map((value) => value.toFixed(2)).join(' ');

for (const image of [bed.template, MEDIUM]) await bed.driver.ensureImage(image, () => bed.file(image));
await bootAtOnce(MANY); // connections and QEMU's capabilities, once
const single: number[] = [];
const many: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  single.push(await bootAtOnce(1));
  many.push(await bootAtOnce(MANY));
}
await bed.stop();
const ratio = median(many) / median(single);
report('hosts', 'npm run bench:hosts', [
  `${ROUNDS} rounds, in turn; emulated guests of 64 MB on a private libvirtd; seconds until libvirt reports them running`,
  `1 domain:    median ${median(single).toFixed(2)}, ${shown(single)}`,
  `${MANY} domains:  median ${median(many).toFixed(2)}, ${shown(many)}`,
  `ratio:       ${ratio.toFixed(2)} (limit ${LIMIT} on two cores)`,
]);
process.exit(ratio > LIMIT ? 1 : 0);
