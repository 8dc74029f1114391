import type { Import, Source } from './sources.js';

/** A part of the tree that the arrows of `docs/architecture.md` are drawn between. */
export const LAYERS = [
  'model', 'steps', 'workflows', 'client', 'activities', 'db', 'metrics', 'api', 'ui', 'simulator', 'scripts', 'bench', 'lab', 'worker',
] as const; // prettier-ignore
export type Layer = (typeof LAYERS)[number];

/** `steps`: lists of steps and their layout, which the API builds plans from; they import nothing that runs in the sandbox only. */
export function layerOf(file: string): Layer {
  // Programs that put the activities together.
  if (file === 'worker.ts' || file === 'scripts/doctor.ts') return 'worker';
  if (file.startsWith('workflows/model/')) return 'model';
  if (file === 'workflows/client.ts') return 'client';
  if (file.startsWith('workflows/steps/') || file === 'workflows/engine/step.ts') return 'steps';
  const [folder = ''] = file.split('/');
  if (!(LAYERS as readonly string[]).includes(folder))
    throw new Error(`${file} belongs to no layer: say in test/structure/rules.ts what it may import`);
  return folder as Layer;
}

interface Rule {
  /** Layers whose code it may run. */
  runs: readonly Layer[];
  /** Layers of which it may know types. */
  knows?: readonly Layer[];
  /** Packages of Temporal that it may import, and whether the rest of npm and Node is open to it. */
  temporal: readonly string[];
  closed?: true;
  /** Pure packages that a closed layer may use all the same. */
  packages?: readonly string[];
}

export const RULES: Readonly<Record<Layer, Rule>> = {
  model: { runs: [], temporal: ['@temporalio/common'], closed: true, packages: ['js-yaml'] },
  steps: { runs: ['model'], knows: ['workflows'], temporal: [], closed: true },
  workflows: {
    runs: ['steps', 'model'],
    knows: ['activities'],
    temporal: ['@temporalio/workflow', '@temporalio/common'],
    closed: true,
  },
  client: { runs: ['model'], temporal: ['@temporalio/client', '@temporalio/common'], closed: true },
  db: { runs: ['model'], temporal: [] },
  metrics: { runs: ['db'], temporal: ['@temporalio/worker'] },
  activities: {
    runs: ['db', 'model', 'client'],
    temporal: ['@temporalio/activity', '@temporalio/client', '@temporalio/common'],
  },
  api: { runs: ['db', 'metrics', 'model', 'client', 'steps'], temporal: ['@temporalio/client'] },
  ui: { runs: [], knows: ['model'], temporal: [], closed: true },
  simulator: { runs: [], knows: ['activities'], temporal: [] },
  scripts: { runs: ['db', 'model', 'client', 'api', 'steps'], temporal: ['@temporalio/client'] },
  worker: { runs: ['activities', 'db', 'metrics', 'client', 'model'], temporal: ['@temporalio/worker'] },
  bench: { runs: LAYERS, temporal: ['@temporalio/client', '@temporalio/worker', '@temporalio/workflow'] },
  lab: { runs: LAYERS, temporal: [] },
};

function allowed(from: Layer, each: Import): boolean {
  const rule = RULES[from];
  if (each.ours) {
    const to = layerOf(each.to);
    return to === from || rule.runs.includes(to) || (each.typeOnly && (rule.knows ?? []).includes(to));
  }
  if (each.to.startsWith('@temporalio/')) return rule.temporal.includes(each.to);
  return rule.closed !== true || (rule.packages ?? []).includes(each.to);
}

/** Imports of a file that its layer may not make, in words. */
export const wrongImports = ({ file, imports }: Source): string[] =>
  imports
    .filter((each) => !allowed(layerOf(file), each))
    .map(({ to, typeOnly }) => `${file} imports ${typeOnly ? 'types of ' : ''}${to}`);

/** Where the environment is read: the programs. Everything else gets what it needs as arguments. */
const PROGRAMS = /^(worker\.ts|api\/server\.ts|simulator\/main\.ts|(scripts|bench|lab)\/.*)$/;
export const readsEnvironment = ({ file, code }: Source): string[] =>
  /\bprocess\s*\??\.\s*env\b|\bprocess\s*\[/.test(code) && !PROGRAMS.test(file) ? [file] : [];

/** Who may know that there is a simulator: its drivers, who chooses drivers, the forms of URLs, who seeds its zone, who starts it, and a view that shows the fact. */
const SIMULATOR =
  /^(simulator|scripts|bench|lab)\/|^activities\/(hypervisor|gateway)\/simulator[\w-]*\.ts$|^activities\/drivers\.ts$|^workflows\/model\/host-url\.ts$|^db\/(defaults|migrations\/0003-hosts)\.ts$|^(api\/views|ui)\//;
export const knowsSimulator = ({ file, code }: Source): string[] =>
  /simulat/i.test(code) && !SIMULATOR.test(file) ? [file] : [];
