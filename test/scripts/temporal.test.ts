import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../lab/free-ports.js';
import { accepts } from '../../scripts/ports.js';
import { findTemporal, setRetention } from '../../scripts/temporal.js';
import { behaviourOptions, devServerArguments, readTemporalSettings } from '../../scripts/temporal-settings.js';

const run = promisify(execFile);
const settings = readTemporalSettings();
const noNetwork = async (): Promise<string> => {
  throw new Error('no network');
};

describe('temporal-dev.yaml', () => {
  test('durations keep their quotes on the command line, since dynamic configuration wants JSON', () => {
    expect(behaviourOptions(settings)).toEqual(expect.arrayContaining(['history.timerProcessorMaxTimeShift="10ms"']));
    expect(behaviourOptions(settings)).toEqual(expect.arrayContaining(['history.transferProcessorMaxPollRPS=1000']));
  });

  test('all six search attributes are registered as keywords', () => {
    const args = devServerArguments(settings, { port: 1 });
    for (const name of ['CksCluster', 'CksClusterName', 'CksOperation', 'CksAccount', 'CksZone', 'CksState'])
      expect(args).toContain(`${name}=Keyword`);
    expect(args).toContain('--headless');
  });

  test('a name it does not know is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cks-temporal-'));
    writeFileSync(join(folder, 'x.yaml'), 'cli: v1.5.1\nports: 3\n');
    expect(() => readTemporalSettings(join(folder, 'x.yaml'))).toThrow(/x\.yaml: .*ports/);
    rmSync(folder, { recursive: true });
  });
});

describe('the temporal program', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cks-temporal-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function program(path: string, text = '#!/bin/sh\n'): string {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), 0o755);
    return join(folder, path);
  }

  test('is taken from the PATH, then from Go, then from the cache folder', async () => {
    const env = { PATH: join(folder, 'bin'), HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') };
    const cached = program('cache/cks/temporal');
    expect(await findTemporal(undefined, env, settings, noNetwork)).toBe(cached);
    const byGo = program('go/bin/temporal');
    expect(await findTemporal(undefined, env, settings, noNetwork)).toBe(byGo);
    const onPath = program('bin/temporal');
    expect(await findTemporal(undefined, env, settings, noNetwork)).toBe(onPath);
  });

  test('is built with Go when it cannot be downloaded, and that is said first', async () => {
    program('bin/go', '#!/bin/sh\necho "$@" > "$HOME/asked"\necho built > "$GOBIN/temporal"\n');
    const said: string[] = [];
    const env = { PATH: `${join(folder, 'bin')}:/bin:/usr/bin`, HOME: folder };
    const found = await findTemporal((line) => said.push(line), env, settings, noNetwork);
    expect(found).toBe(join(folder, '.cache', 'cks', 'temporal'));
    expect(said.join('\n')).toMatch(/no network.*about four minutes/);
  });

  test('is built once however many starts want it at the same time, and what killed builds left is removed', async () => {
    program('bin/go', '#!/bin/sh\necho asked >> "$HOME/asked"\nsleep 1\necho built > "$GOBIN/temporal"\nchmod +x "$GOBIN/temporal"\n'); // prettier-ignore
    const cache = join(folder, '.cache', 'cks');
    for (const left of ['go-killed', 'download-killed', 'lab']) program(join('.cache', 'cks', left, 'temporal'));
    const env = { PATH: `${join(folder, 'bin')}:/bin:/usr/bin`, HOME: folder };
    const said: string[] = [];
    const starts = Array.from({ length: 4 }, () => findTemporal((line) => said.push(line), env, settings, noNetwork));
    expect(new Set(await Promise.all(starts))).toEqual(new Set([join(cache, 'temporal')]));
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe('asked\n');
    expect(said.filter((line) => /another start is fetching/.test(line))).toHaveLength(3);
    expect(readdirSync(cache).sort()).toEqual(['fetching.lock', 'lab', 'temporal']);
  });

  test('that no way finds ends in one line with the remedy', async () => {
    program('bin/go', '#!/bin/sh\necho "no module proxy" >&2\nexit 1\n');
    const env = { PATH: `${join(folder, 'bin')}:/bin:/usr/bin`, HOME: folder };
    await expect(findTemporal(undefined, env, settings, noNetwork)).rejects.toThrow(
      /no network; go install ended with 1: no module proxy.*go install github\.com\/temporalio\/cli\/cmd\/temporal@v1\.5\.1/,
    );
  });

  /** On free ports; on others where a neighbour took one of them meanwhile. */
  async function start(path: string, dbFilename: string) {
    for (;;) {
      const [port = 0, uiPort = 0] = await freePorts(2);
      const server = spawn(path, devServerArguments(settings, { port, uiPort, dbFilename }));
      const said = { words: '', isOver: false };
      server.stderr.on('data', (text) => (said.words += String(text)));
      const ended = new Promise<void>((resolve) => server.on('close', () => resolve()));
      void ended.then(() => (said.isOver = true));
      while (!said.isOver && !((await accepts(port)) && (await accepts(uiPort)))) await new Promise((r) => setTimeout(r, 50)); // prettier-ignore
      if (!said.isOver) return { server, said, ended, port };
      if (!/address already in use/.test(said.words)) throw new Error(`the server ended: ${said.words}`);
    }
  }

  test('starts with every option of the file, keeps runs for 30 days, and starts again on the same data', async () => {
    const path = await findTemporal();
    for (const round of [1, 2]) {
      const { server, said, ended, port } = await start(path, join(folder, 'temporal.db'));
      const address = `127.0.0.1:${port}`;
      try {
        if (round === 1) await setRetention(path, port, settings);
        const namespace = await run(path, ['operator', 'namespace', 'describe', '-n', 'default', '--address', address]);
        expect(namespace.stdout).toMatch(/RetentionTtl\s+720h0m0s/);
        const attributes = await run(path, ['operator', 'search-attribute', 'list', '--address', address]);
        expect(attributes.stdout.match(/^\s*Cks\w+\s+Keyword\s*$/gm)).toHaveLength(6);
        // Before it is stopped: what is cut off by that is an error too.
        expect(said.words).not.toMatch(/level=ERROR|unknown flag/);
      } finally {
        server.kill('SIGTERM');
        await ended;
      }
    }
  });
});
