/** Scale up at several sizes on the simulated zone ÷ the lower bound of the critical path (`behaviour.md` §8.3). */
import { Ratios, startRealistic, t } from './realistic.js';
import { report } from './results.js';
import { createClusters, createParameters, removeHome } from './service.js';

/** Control nodes, workers, and workers more. */
const SIZES = [[1, 3, 3], [3, 7, 10]] as const; // prettier-ignore

const LOWER_BOUND = t.t_new + t.t_run + t.t_iso + t.t_inst + t.t_join + t.t_rdy;

const service = await startRealistic();
const ratios = new Ratios(service);
try {
  const { api } = service;
  const ids = await createClusters(api, await createParameters(api), SIZES);
  for (const [i, [controls, workers, more]] of SIZES.entries())
    await ratios.measure(`${controls + workers} nodes, +${more}`, LOWER_BOUND, 'scaleKubernetesCluster', {
      id: ids[i]!,
      size: `${workers + more}`,
    });
} finally {
  await service.stop();
  removeHome(service.home);
}
report('scale', 'npm run bench:scale', ratios.lines);
process.exit(ratios.isOver ? 1 : 0);
