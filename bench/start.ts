/** `npm start` to `/readyz` with warm caches, and resident memory of worker and API after the demonstration cluster. */
import { residentMb } from './processes.js';
import { report } from './results.js';
import { createParameters, removeHome, startService, waitJob } from './service.js';

const first = await startService({});
await first.stop();
const starts: number[] = [];
for (let i = 0; i < 3; i++) {
  const again = await startService({}, first.home);
  starts.push(again.readyAfter);
  await again.stop();
}
const service = await startService({ SIMULATOR_PROFILE: 'demo' }, first.home);
const answer = await service.api.call('createKubernetesCluster', {
  ...(await createParameters(service.api)),
  name: 'demo',
  size: '1',
});
await waitJob(service.api, answer.jobid);
const worker = residentMb(service.pid('worker'));
const api = residentMb(service.pid('api'));
await service.stop();
removeHome(first.home);
report('start', 'npm run bench:start', [
  `empty folder to /readyz 200:  ${first.readyAfter.toFixed(1)} s`,
  `warm, three starts:           ${starts.map((s) => s.toFixed(1)).join(', ')} s (limit 10)`,
  `VmRSS after a 1+1 cluster:    worker ${worker.toFixed(0)} MB + API ${api.toFixed(0)} MB = ${(worker + api).toFixed(0)} MB (limit 400)`,
]);
process.exit(worker + api > 400 || Math.max(...starts) > 10 ? 1 : 0);
