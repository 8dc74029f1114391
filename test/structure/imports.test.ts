import { readFileSync } from 'node:fs';
import path from 'node:path';
import { knowsSimulator, layerOf, LAYERS, readsEnvironment, wrongImports } from './rules.js';
import { readSource, root, sources } from './sources.js';

test('every layer that has code is looked at', () => {
  const found = new Set(sources.map(({ file }) => layerOf(file)));
  for (const layer of LAYERS.filter((each) => each !== 'lab')) expect(found).toContain(layer);
  expect(sources.length).toBeGreaterThan(150);
});

test('every import of ours names a file that is there', () => {
  const files = new Set(sources.map(({ file }) => file));
  const missing = sources.flatMap(({ file, imports }) =>
    imports.filter(({ to, ours }) => ours && !files.has(to)).map(({ to }) => `${file} imports ${to}`),
  );
  expect(missing).toEqual([]);
});

test('arrows go one way', () => {
  expect(sources.flatMap(wrongImports)).toEqual([]);
});

test('the environment is read by programs only, and handed down as arguments', () => {
  expect(sources.flatMap(readsEnvironment)).toEqual([]);
});

test('no product code knows that a zone is simulated', () => {
  expect(sources.flatMap(knowsSimulator)).toEqual([]);
});

test('workflow code has no clock, random number or environment of its own', () => {
  const impure =
    /\b(Math\s*\.\s*random|Date\s*\.\s*now|new Date|randomUUID|setTimeout|setInterval|process|performance)\b/;
  const sandboxed = sources.filter(({ file }) => ['workflows', 'steps', 'model'].includes(layerOf(file)));
  // The date that the runner reads is the history's: Temporal puts it in place of the clock.
  const asked = ({ file, code }: (typeof sources)[number]) =>
    file === 'workflows/engine/runner.ts' ? code.replaceAll(/\bDate\s*\.\s*now\b/g, '') : code;
  expect(sandboxed.filter((one) => impure.test(asked(one))).map(({ file }) => file)).toEqual([]);
});

test('every package that is imported is declared', () => {
  const declared = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const imported = sources.filter(({ file }) => !/^(bench|lab)\//.test(file)).flatMap(({ imports }) => imports);
  const packages = new Set(imported.filter(({ to, ours }) => !ours && !to.startsWith('node:')).map(({ to }) => to));
  expect([...packages].filter((name) => !(name in declared.dependencies))).toEqual([]);
});

describe('the rules can fail', () => {
  const of = (file: string, text: string) => readSource(file, text);
  const wrong: [string, string][] = [
    ['workflows/model/x.ts', `import { connect } from '../../db/knex.js';`],
    ['workflows/model/x.ts', `import { readFile } from 'node:fs';`],
    ['workflows/model/x.ts', `import type { Step } from '../engine/step.js';`],
    ['workflows/steps/x.ts', `import { operate } from '../engine/operate.js';`],
    ['workflows/x.ts', `import { buildActivities } from '../activities/index.js';`],
    ['workflows/x.ts', `import { type Activities } from '../activities/index.js';`],
    ['workflows/x.ts', `import { Client } from '@temporalio/client';`],
    ['workflows/x.ts', `const fs = await import('node:fs');`],
    ['db/x.ts', `import type { Context } from '../api/command.js';`],
    ['db/x.ts', `export * from '../activities/deps.js';`],
    ['activities/x.ts', `import { NO_ACCESS } from '../api/wire/errors.js';`],
    ['activities/x.ts', `import { operate } from '../workflows/engine/operate.js';`],
    ['api/x.ts', `import { stubsFor } from '../workflows/stubs.js';`],
    ['api/x.ts', `import { openHypervisor } from '../activities/drivers.js';`],
    ['api/x.ts', `type Deps = import('../activities/deps.js').Deps;`],
    ['simulator/x.ts', `import { connect } from '../db/knex.js';`],
    ['simulator/x.ts', `import { fault } from '../workflows/model/fault.js';`],
    ['scripts/x.ts', `import { openHypervisor } from '../activities/drivers.js';`],
  ];
  test.each(wrong)('%s: %s', (file, text) => {
    expect(wrongImports(of(file, text))).toHaveLength(1);
  });

  const right: [string, string][] = [
    ['workflows/x.ts', `import type { Activities } from '../activities/index.js';`],
    ['workflows/steps/x.ts', `import type { Act } from '../stubs.js';`],
    ['api/x.ts', `import { createClusterSteps } from '../workflows/steps/create-cluster.js';`],
    ['simulator/x.ts', `import type { GatewayNetwork } from '../activities/gateway/driver.js';`],
    ['db/x.ts', `import knex, { type Knex } from 'knex';`],
  ];
  test.each(right)('%s may: %s', (file, text) => {
    expect(wrongImports(of(file, text))).toEqual([]);
  });

  test.each(['db/x.ts', 'activities/node/x.ts', 'api/environment.ts', 'workflows/client.ts'])(
    '%s reads the environment',
    (file) => {
      expect(readsEnvironment(of(file, `const home = process.env['CKS_HOME'];`))).toEqual([file]);
      expect(readsEnvironment(of(file, `// process.env is read elsewhere\nconst home = env['CKS_HOME'];`))).toEqual([]);
    },
  );

  test.each([
    'activities/node/index.ts',
    'api/commands/create-kubernetes-cluster.ts',
    'db/nodes.ts',
    'workflows/steps/boot-node.ts',
  ])('%s asks whether a zone is simulated', (file) => {
    expect(knowsSimulator(of(file, `if (zone.hypervisor === 'Simulator') skip();`))).toEqual([file]);
    expect(knowsSimulator(of(file, `/** Also true of the simulator. */ go(); // simulated`))).toEqual([]);
  });
});
