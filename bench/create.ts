/** Create at several sizes on the simulated zone ÷ the lower bound of the critical path (`behaviour.md` §8.2), and the modelled serial time of CKS beside it. */
import { readProfile } from '../simulator/profiles.js';
import { report } from './results.js';
import { createParameters, removeHome, startService, waitJob } from './service.js';

const FACTOR = 10;
const POLL_MS = 100;
const SIZES = [[1, 1], [3, 7], [3, 17], [3, 47]] as const; // prettier-ignore
/** Assumptions of §8.5 that only the serial model of CKS has. */
const CKS = { q: 7, qWorker: 15, comp: 30, epsilon: 20 };

const t = readProfile('realistic');

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

const service = await startService({
  SIMULATOR_PROFILE: 'realistic',
  SIMULATOR_SCALE: String(FACTOR),
  CKS_POLL_MS: String(POLL_MS),
});
const lines = [
  `profile realistic ÷ ${FACTOR}, poll ${POLL_MS} ms, widths 100; seconds`,
  'size     wall   T_min  ratio  CKS serial (modelled)',
];
let failed = false;
try {
  const { api } = service;
  for (const [name, value] of [
    ['cloud.kubernetes.cluster.max.size', '100'],
    ['cks.operation.width', '100'],
    ['cks.host.install.width', '100'],
  ] as const)
    // prettier-ignore
    await api.call('updateConfiguration', { name, value });
  const common = await createParameters(api);
  for (const [controls, workers] of SIZES) {
    const name = `bench-${controls}-${workers}`;
    const began = performance.now();
    const answer = await api.call('createKubernetesCluster', {
      ...common,
      name,
      size: String(workers),
      controlnodes: String(controls),
    });
    await waitJob(api, answer.jobid);
    const wall = (performance.now() - began) / 1000;
    const bound = lowerBound(controls) / FACTOR;
    if (wall / bound > 1.1) failed = true;
    lines.push(
      `${`${controls}+${workers}`.padEnd(6)} ${wall.toFixed(2).padStart(6)} ${bound.toFixed(2).padStart(7)} ${(wall / bound).toFixed(3).padStart(6)}  ${(serial(controls, workers) / FACTOR).toFixed(1)}`,
    );
    await waitJob(api, (await api.call('deleteKubernetesCluster', { id: answer.id })).jobid);
  }
} finally {
  await service.stop();
  removeHome(service.home);
}
report('create', 'npm run bench:create', lines);
process.exit(failed ? 1 : 0);
