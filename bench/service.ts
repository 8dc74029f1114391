import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../db/project-root.js';
import { freePorts } from '../lab/free-ports.js';
import { ApiClient, type Credentials } from '../scripts/client.js';

export interface Service {
  home: string;
  api: ApiClient;
  ports: Record<string, number>;
  /** Seconds from the start of the program until `/readyz` answered 200. */
  readyAfter: number;
  /** The process that started all others. */
  root: number;
  pid(part: string): number;
  stop(): Promise<void>;
}

/** Everything as a user starts it, in a folder and on ports of its own. */
export async function startService(
  env: Record<string, string>,
  home = mkdtempSync(path.join(tmpdir(), 'cks-bench-')),
): Promise<Service> {
  const names = ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'SIMULATOR_PORT', 'METRICS_PORT'];
  const free = await freePorts(names.length);
  const ports = Object.fromEntries(names.map((name, i) => [name, free[i]!] as const));
  const began = performance.now();
  const child = spawn(process.execPath, [path.join(projectRoot(), 'dist/scripts/start.js')], {
    env: {
      ...process.env,
      CKS_DEMO: '0',
      CKS_HOME: home,
      ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let over = false;
  void ended.then(() => (over = true));
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${ports['PORT']}/readyz`).then(
      (answer) => answer.status === 200,
      () => false,
    );
    if (ready) break;
    if (over) throw new Error('the service ended before it was ready');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const readyAfter = (performance.now() - began) / 1000;
  const credentials = JSON.parse(readFileSync(path.join(home, 'admin.json'), 'utf8')) as Credentials;
  return {
    home,
    api: new ApiClient(credentials),
    ports,
    readyAfter,
    root: child.pid!,
    pid: (part) => Number(readFileSync(path.join(home, 'run', `${part}.pid`), 'utf8').trim()),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export const removeHome = (home: string): void => rmSync(home, { recursive: true, force: true });

/** Ids by name that a create needs. */
export async function createParameters(api: ApiClient, version = '1.34.2'): Promise<Record<string, string>> {
  const zone = (await api.call('listZones', { name: 'sim-1' })).zone[0];
  const offering = (await api.call('listServiceOfferings', { name: 'small' })).serviceoffering[0];
  const versions: { id: string; semanticversion: string }[] = (await api.call('listKubernetesSupportedVersions'))
    .kubernetessupportedversion;
  const found = versions.find(({ semanticversion }) => semanticversion === version);
  if (!found) throw new Error(`the simulated zone has no version ${version}`);
  return { zoneid: zone.id, serviceofferingid: offering.id, kubernetesversionid: found.id };
}

/** Clusters of so many control nodes and workers, made at the same time. Returns their ids, in order. */
export function createClusters(
  api: ApiClient,
  parameters: Record<string, string>,
  sizes: readonly (readonly [controls: number, workers: number, ...unknown[]])[],
): Promise<string[]> {
  return Promise.all(
    sizes.map(async ([controls, workers], i) => {
      const wish = { ...parameters, name: `bench-${i + 1}`, controlnodes: `${controls}`, size: `${workers}` };
      const answer = await api.call('createKubernetesCluster', wish);
      await waitJob(api, answer.jobid);
      return answer.id as string;
    }),
  );
}

/** Waits for a job; throws with its text when it failed. */
export async function waitJob(api: ApiClient, jobid: string): Promise<void> {
  for (;;) {
    const job = await api.call('queryAsyncJobResult', { jobid });
    if (job.jobstatus === 1) return;
    if (job.jobstatus === 2) throw new Error(String(job.jobresult?.errortext));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
