/** A 1+1 that is created while a 1+200 is being created ÷ its time alone: waiting only (realistic profile), and worker bound (instant). */
import { FACTOR, POLL_MS, configure } from './realistic.js';
import { report } from './results.js';
import { createParameters, removeHome, startService, waitJob } from './service.js';

const asked = process.argv.slice(2).find((word) => /^\d+$/.test(word));
const WORKERS = asked === undefined ? 200 : Number(asked);
const ALONE = 3;
const LIMIT = 2;
const PROFILES = {
  realistic: { SIMULATOR_PROFILE: 'realistic', SIMULATOR_SCALE: String(FACTOR), CKS_POLL_MS: String(POLL_MS) },
  instant: { SIMULATOR_PROFILE: 'instant' },
};

const lines = [
  `seconds from the call to the end of the job; beside: each 1+1 begun while the 1+${WORKERS} was being created, one after another`,
];
let isOver = false;
for (const [profile, env] of Object.entries(PROFILES)) {
  const service = await startService(env);
  const { api } = service;
  try {
    await configure(api, 'cloud.kubernetes.cluster.max.size', WORKERS + 1);
    const common = await createParameters(api);
    let number = 0;
    const create = async (workers: number): Promise<number> => {
      const began = performance.now();
      const wish = { ...common, name: `beside-${++number}`, size: String(workers), controlnodes: '1' };
      await waitJob(api, (await api.call('createKubernetesCluster', wish)).jobid as string);
      return (performance.now() - began) / 1000;
    };
    await create(1);
    const alone: number[] = [];
    for (let i = 0; i < ALONE; i++) alone.push(await create(1));
    const median = [...alone].sort((a, b) => a - b)[Math.floor(ALONE / 2)]!;
    let over = false;
    const large = create(WORKERS).finally(() => (over = true));
    const beside: number[] = [];
    // One that ends after the large one was beside it only in part.
    while (!over) {
      const seconds = await create(1);
      if (!over || beside.length === 0) beside.push(seconds);
    }
    const worst = Math.max(...beside);
    isOver ||= worst / median >= LIMIT;
    const shown = (values: number[]) => values.map((value) => value.toFixed(1)).join(' ');
    lines.push(
      `${profile.padEnd(9)}  alone ${shown(alone)}; 1+${WORKERS} ${(await large).toFixed(1)}; beside ${shown(beside)}; worst ÷ median alone: ${(worst / median).toFixed(2)} (limit ${LIMIT})`,
    );
  } finally {
    await service.stop();
    removeHome(service.home);
  }
}
report('beside', `npm run bench:beside -- ${WORKERS}`, lines);
process.exit(isOver ? 1 : 0);
