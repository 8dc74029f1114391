import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { build } from 'esbuild';
import { simulatorHypervisor } from '../../activities/hypervisor/simulator.js';
import { type Effect, IMAGES, aMachine, someFile } from './zone-fixture.js';

/** The program itself, as `npm start` runs it, killed without warning. */
describe('the simulator as a program', () => {
  const folder = mkdtempSync(join(process.cwd(), 'node_modules', '.simulator-test-'));
  const program = join(folder, 'main.mjs');
  let child: ChildProcess;

  const start = async (): Promise<string> => {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      SIMULATOR_PORT: '0',
      SIMULATOR_PROFILE: 'instant',
      CKS_HOME: folder,
    };
    child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    if (!child.stdout) throw new Error('no output');
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /simulated zone at (http:\S+):/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
    throw new Error('it ended');
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  beforeAll(() =>
    build({
      entryPoints: ['simulator/main.ts'],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    }),
  );
  afterAll(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has everything that it answered for, when it was killed right after', async () => {
    const driver = (url: string) => simulatorHypervisor(`${url.replace('http', 'simulator')}/host-1`);
    const first = driver(await start());
    const machines = Array.from({ length: 20 }, (_, i) => aMachine({ ipAddress: `10.1.1.${i + 10}` }));
    for (const image of IMAGES) await first.ensureImage(image, someFile);
    await Promise.all(machines.map(({ volume }) => first.ensureVolume(volume)));
    await kill();
    const url = await start();
    const world = (await (await fetch(`${url}/control/world`)).json()) as { volumes: unknown[] };
    const effects = (await (await fetch(`${url}/control/effects`)).json()) as Effect[];
    expect(world.volumes).toHaveLength(20);
    expect(effects.filter(({ kind }) => kind === 'volume.create')).toHaveLength(20);
    await Promise.all(machines.map(({ volume }) => driver(url).ensureVolume(volume)));
    expect(((await (await fetch(`${url}/control/effects`)).json()) as Effect[]).length).toBe(effects.length);
  });
});
