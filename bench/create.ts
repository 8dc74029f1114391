/** Create at several sizes on the simulated zone ÷ the lower bound of the critical path (`behaviour.md` §8.2), and the modelled serial time of CKS beside it. */
import { FACTOR, Ratios, startRealistic, t } from './realistic.js';
import { report } from './results.js';
import { createParameters, removeHome, waitJob } from './service.js';

const SIZES = [[1, 1], [3, 7], [3, 17], [3, 47]] as const; // prettier-ignore
/** Assumptions of §8.5 that only the serial model of CKS has. */
const CKS = { q: 7, qWorker: 15, comp: 30, epsilon: 20 };

const lowerBound = (controls: number): number =>
  Math.max(t.t_net + t.t_ip, t.t_new) +
  t.t_run +
  t.t_iso +
  t.t_inst +
  t.t_init +
  Math.max(t.t_join, (controls - 1) * t.t_cp) +
  t.t_rdy;

/** `T_cks` of §8.2 for an isolated network without etcd nodes. */
function serial(controls: number, workers: number): number {
  const n = controls + workers;
  const attach = (i: number) => i * t.t_iso;
  const first = attach(1) + CKS.q + t.t_inst + t.t_init;
  const ready: number[] = [first];
  let last = first;
  for (let i = 1; i < controls; i++) ready.push((last = Math.max(last, attach(1 + i) + CKS.q + t.t_inst) + t.t_cp));
  for (let j = 1; j <= workers; j++)
    ready.push(Math.max(first, attach(controls + j) + CKS.qWorker + t.t_inst) + t.t_join);
  const work = Math.max(n * t.t_iso, Math.max(...ready) + t.t_rdy);
  return (
    t.t_net + t.t_ip + n * (t.t_new + t.t_run) + n * t.t_pf + 3 * t.t_fw + work + n * t.t_iso + CKS.comp + CKS.epsilon
  );
}

const service = await startRealistic();
const ratios = new Ratios(service, '  CKS serial (modelled)');
try {
  const { api } = service;
  const common = await createParameters(api);
  for (const [controls, workers] of SIZES) {
    const wish = { ...common, name: `bench-${controls}-${workers}`, size: `${workers}`, controlnodes: `${controls}` };
    const modelled = `  ${(serial(controls, workers) / FACTOR).toFixed(1)}`;
    const name = `${controls}+${workers}`;
    const id = await ratios.measure(name, lowerBound(controls), 'createKubernetesCluster', wish, modelled);
    await waitJob(api, (await api.call('deleteKubernetesCluster', { id })).jobid);
  }
} finally {
  await service.stop();
  removeHome(service.home);
}
report('create', 'npm run bench:create', ratios.lines);
process.exit(ratios.isOver ? 1 : 0);
