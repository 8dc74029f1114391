/**
 * Upgrade to the next minor at several sizes on the simulated zone ÷ the lower bound of the critical path (`behaviour.md` §8.4). Every node
 * has pods to be drained, which take `t_drain` to end.
 */
import { Ratios, configure, startRealistic, t } from './realistic.js';
import { report } from './results.js';
import { createClusters, createParameters, removeHome } from './service.js';
import { deployPods } from './workload.js';

/** Control nodes, workers, and workers that may be out of service at the same time. */
const SIZES = [[1, 3, 1], [3, 7, 2], [3, 17, 4]] as const; // prettier-ignore
const PODS_PER_NODE = 8;
const FROM = '1.33.4';
const TO = '1.34.2';

const lowerBound = (controls: number, workers: number, width: number): number =>
  t.t_iso +
  t.t_import +
  controls * (t.t_drain + t.t_swap + t.t_back) +
  t.t_kube_first +
  (controls - 1) * t.t_kube_c +
  Math.ceil(workers / width) * (t.t_drain + t.t_kube_w + t.t_swap + t.t_back);

const service = await startRealistic();
const ratios = new Ratios(service);
try {
  const { api } = service;
  const { kubernetesversionid: target } = await createParameters(api, TO);
  const ids = await createClusters(api, await createParameters(api, FROM), SIZES);
  for (const [i, [controls, workers, width]] of SIZES.entries()) {
    const id = ids[i]!;
    await deployPods(api, id, PODS_PER_NODE * (controls + workers));
    await configure(api, 'cks.upgrade.width', width);
    const wish = { id, kubernetesversionid: target! };
    const bound = lowerBound(controls, workers, width);
    await ratios.measure(`${controls}+${workers}, u = ${width}`, bound, 'upgradeKubernetesCluster', wish);
  }
} finally {
  await service.stop();
  removeHome(service.home);
}
report('upgrade', 'npm run bench:upgrade', ratios.lines);
process.exit(ratios.isOver ? 1 : 0);
