/** Stands in for each program of the service in the tests of `npm start`. usage: fake-part.js ROLE */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

const [role = ''] = process.argv.slice(2);
const { CKS_HOME: home = '', PORT, SIMULATOR_PORT, FAKE_TEMPORAL_PORT } = process.env;
const note = (text: string) => appendFileSync(join(home, 'calls'), `${text}\n`);
note(`${role} begin ${process.pid} ${Object.keys(process.env).sort().join(',')}`);

const ended = () => {
  note(`${role} end`);
  process.exit(0);
};
process.on('SIGTERM', ended);

/** One cluster whose create has three steps; each look at it moves it on by one. */
interface World {
  cluster?: { id: string; name: string; state: string };
  looks: number;
}
const worldFile = join(home, 'world.json');
const world: World = existsSync(worldFile) ? (JSON.parse(readFileSync(worldFile, 'utf8')) as World) : { looks: 0 };

function answer(command: string, name: string | null): unknown {
  switch (command) {
    case 'listKubernetesClusters':
      return world.cluster ? { count: 1, kubernetescluster: [world.cluster] } : {};
    case 'listZones':
      return { zone: [{ id: 'z', name }] };
    case 'listServiceOfferings':
      return { serviceoffering: [{ id: 's', name }] };
    case 'listKubernetesSupportedVersions':
      return {
        kubernetessupportedversion: [
          { id: 'v9', semanticversion: '1.9.0', state: 'Enabled', isostate: 'Ready' },
          { id: 'v34', semanticversion: '1.34.2', state: 'Enabled', isostate: 'Ready' },
          { id: 'v35', semanticversion: '1.35.0', state: 'Disabled', isostate: 'Ready' },
        ],
      };
    case 'createKubernetesCluster':
      world.cluster = { id: 'c', name: 'demo', state: 'Starting' };
      return { id: 'c', jobid: 'j' };
    case 'listKubernetesClusterOperations': {
      world.looks += 1;
      const over = world.looks > 3;
      if (over && world.cluster) world.cluster.state = 'Running';
      const steps = ['network', 'boot control-1', 'boot worker-1'].map((title, index) => ({
        title,
        state: world.looks > index ? 'done' : 'running',
        started: '2026-01-31T12:00:00+0000',
        ended: '2026-01-31T12:00:02+0000',
      }));
      const state = over ? 'succeeded' : 'running';
      return {
        kubernetesclusteroperation: [
          { id: 'o', operation: 'create', jobid: 'j', state, percent: 30, secondsleft: 5, steps },
        ],
      };
    }
    default:
      return { clusterconfig: { configdata: 'apiVersion: v1' } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return new URLSearchParams(text);
}

function api(): void {
  createServer((request, response) => {
    if (request.url === '/readyz') return void response.end('ok');
    void bodyOf(request).then((body) => {
      const command = body.get('command') ?? '';
      note(`call ${command} ${body.get('kubernetesversionid') ?? ''}`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ [`${command.toLowerCase()}response`]: answer(command, body.get('name')) }));
      writeFileSync(worldFile, JSON.stringify(world));
    });
  }).listen(Number(PORT), '127.0.0.1');
}

if (role === 'migrate') {
  if (existsSync(join(home, 'refuse'))) {
    console.error('Error: the key does not fit');
    process.exit(1);
  }
  const admin = {
    endpoint: `http://127.0.0.1:${PORT}/client/api`,
    apikey: 'AK',
    secretkey: 'SK',
    username: 'admin',
    password: 'x',
    temporalui: 'http://t',
  };
  writeFileSync(join(home, 'admin.json'), JSON.stringify(admin), { mode: 0o600 });
} else if (role === 'api') api();
else if (role === 'worker') setInterval(() => {}, 1000);
else
  createServer().listen(
    Number(role === 'temporal' ? (FAKE_TEMPORAL_PORT ?? process.argv[3]) : SIMULATOR_PORT),
    '127.0.0.1',
  );
