import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../api/commands/index.js';
import { isAsync, type Command, type ResponseFields } from '../api/command.js';
import { projectRoot } from '../db/project-root.js';
import { FAULTS } from '../workflows/model/faults.js';
import { SETTINGS, type SettingRule } from '../workflows/model/settings.js';
import { CLUSTER_STATES, OPERATIONS, type OperationKind } from '../workflows/model/states.js';
import { LISTS } from '../workflows/steps/lists.js';
import { FEATURES, type Proof } from './features.js';
import { STATES_OF_PROOF, stateOf } from './reality.js';
import { REPORTS, titlesByReport } from './reports.js';

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const fieldRows = (fields: ResponseFields, prefix = ''): string[][] =>
  Object.entries(fields).flatMap(([name, { type, description, fields: nested }]) => [
    [`\`${prefix}${name}\``, type, description],
    ...(nested ? fieldRows(nested, `${prefix}${name}[].`) : []),
  ]);

const ROLE_WORDS = { A: 'root admin', R: 'resource admin', D: 'domain admin', U: 'user' } as const;

function answerOf(command: Command): string {
  if (command.response === 'success')
    return isAsync(command) ? 'Answers with a job; its result is `{"success":true}`.' : 'Answers `{"success":true}`.';
  const { key } = command.response;
  if (isAsync(command)) return `Answers with a job; its result is a [\`${key}\`](#${key}).`;
  return command.isList ? `Answers with a list of [\`${key}\`](#${key}).` : `Answers with a [\`${key}\`](#${key}).`;
}

function commandSection(command: Command): string {
  const params = Object.entries(command.params).map(([name, param]) => [
    `\`${name}\``,
    param.type,
    param.required ? 'yes' : '',
    `${param.description}${param.since ? ` (since ${param.since})` : ''}${param.roles ? ` (only for ${param.roles.map((role) => ROLE_WORDS[role]).join(', ')})` : ''}`,
  ]);
  const who = command.open ? 'without credentials' : command.roles.map((role) => ROLE_WORDS[role]).join(', ');
  return [
    `## ${command.name}`,
    `${command.description}${/[.!]$/.test(command.description) ? '' : '.'} For: ${who}. ${answerOf(command)}`,
    params.length === 0 ? 'No parameters.' : table(['parameter', 'type', 'required', 'meaning'], params),
  ].join('\n\n');
}

/** `docs/reference/commands.md` from the declarations. */
export function commandsPage(commands: readonly Command[] = COMMANDS): string {
  const objects = new Map<string, ResponseFields>();
  for (const { response } of commands)
    if (response !== 'success') objects.set(response.key, { ...objects.get(response.key), ...response.fields });
  return [
    '# Commands',
    'Generated from the declarations in `api/commands/` by `scripts/reference.ts`; do not edit. How requests are signed, answered and polled: `docs/compatibility.md`.',
    table(['command', 'mode', 'for'], commands.map((each) => [`[\`${each.name}\`](#${each.name.toLowerCase()})`, isAsync(each) ? 'job' : each.isList ? 'list' : 'at once', each.open ? 'anyone' : each.roles.join(' ')])), // prettier-ignore
    ...commands.map(commandSection),
    '# Objects',
    ...[...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, fields]) => `## ${key}\n\n${table(['field', 'type', 'meaning'], fieldRows(fields))}`),
    '',
  ].join('\n\n').replace(/\n+$/, '\n'); // prettier-ignore
}

/** `docs/reference/settings.md` from the table of settings. */
export function settingsPage(): string {
  const rows = Object.entries(SETTINGS).map(([name, rule]: [string, SettingRule]) => [
    `\`${name}\``,
    `\`${String(rule.value)}\`${rule.unit === 's' ? ' s' : rule.unit === 'GB' ? ' GB' : ''}`,
    rule.min === undefined ? '' : String(rule.min),
    rule.scope === 'Account' ? 'global, account' : 'global',
    rule.dynamic === false ? 'at the next start' : 'at once',
    rule.doc,
  ]);
  return [
    '# Settings',
    'Generated from `workflows/model/settings.ts` by `scripts/reference.ts`; do not edit. Shown by `listConfigurations`, changed by `updateConfiguration`. An operation keeps the values with which it began.',
    table(['name', 'default', 'least', 'scope', 'takes effect', 'meaning'], rows),
    '',
  ].join('\n\n').replace(/\n+$/, '\n'); // prettier-ignore
}

/** `docs/reference/faults.md` from the table of faults. */
export function faultsPage(): string {
  const rows = Object.entries(FAULTS).map(([code, { wire, cs, retry, mend, doc }]) => [
    `\`${code}\``,
    `${wire}`,
    cs === 0 ? '' : `${cs}`,
    retry ? 'yes' : '',
    mend,
    doc,
  ]);
  return [
    '# Faults',
    'Generated from `workflows/model/faults.ts` by `scripts/reference.ts`; do not edit. `errorcode` is what the API answers outside the Kubernetes commands; inside them every fault is 530 (`cserrorcode` 9999) with its text, as in CloudStack. "Tried again" says whether an activity is.',
    table(['fault', 'errorcode', 'cserrorcode', 'tried again', 'who can mend it', 'meaning'], rows),
    '',
  ].join('\n\n').replace(/\n+$/, '\n'); // prettier-ignore
}

/** `docs/reference/reports.md`: what users of the original reported, with the tests that carry each number. */
export function reportsPage(): string {
  const titles = titlesByReport(projectRoot());
  const rows = REPORTS.map(({ issues, what, not }, i) => [
    String(i + 1),
    issues,
    what,
    not ?? (titles.get(i + 1) ?? []).join('; '),
  ]);
  return [
    '# Thirty reports',
    "Generated from `scripts/reports.ts` and the titles of tests by `scripts/reference.ts`; do not edit. What users of CloudStack's Kubernetes service reported, and the tests here whose titles carry the number, or why there is none.",
    table(['no.', 'issues there', 'what happened', 'tested here by'], rows),
    '',
  ].join('\n\n').replace(/\n+$/, '\n'); // prettier-ignore
}

/** `docs/reference/states.md` from the table of operations. */
export function statesPage(): string {
  const rows = Object.entries(OPERATIONS).map(([kind, rule]) => [
    `\`${kind}\``,
    rule.from.length === CLUSTER_STATES.length - 1 ? 'every state but Destroyed' : rule.from.join(', '),
    rule.during,
    rule.done,
    rule.failed,
    rule.cancelled === 'before' ? 'as before' : rule.cancelled,
    `\`${LISTS[kind as OperationKind].limit}\``,
  ]);
  return [
    '# States of a cluster',
    'Generated from `workflows/model/states.ts` and `workflows/steps/lists.ts` by `scripts/reference.ts`; do not edit. A further attempt may also begin where the last one came to rest. A step can name another resting state for its own failure (`rest`). `reason` says why a cluster rests where it does.',
    table(['operation', 'begins in', 'meanwhile', 'done', 'failed', 'cancelled', 'bounded by'], rows),
    '',
  ].join('\n\n').replace(/\n+$/, '\n'); // prettier-ignore
}

/** `docs/reality.md`: the features that CloudStack's documentation describes, and what proves each here. */
export function realityPage(): string {
  const tests = (proofs: readonly Proof[] = []) => proofs.map(([file, title]) => `${title} (\`test/${file}\`)`);
  const { cases: lab } = JSON.parse(readFileSync(join(projectRoot(), 'lab/results.json'), 'utf8')) as {
    cases: { name: string; when?: string; commit?: string }[];
  };
  const ranAt = (name: string) => {
    const { when, commit } = lab.find((one) => one.name === name) ?? {};
    return when === undefined ? '' : ` (${when.slice(0, 10)}, commit ${commit})`;
  };
  const counts = new Map<string, number>();
  for (const feature of Object.values(FEATURES).flat())
    counts.set(stateOf(feature), (counts.get(stateOf(feature)) ?? 0) + 1);
  const sections = Object.entries(FEATURES).flatMap(([name, features]) => [
    `## ${name}`,
    table(
      ['feature', 'state', 'proof', 'lacking'],
      features.map((each) => [
        each.what,
        `*${stateOf(each)}*`,
        [
          ...(each.lab ?? []).map((one) => `lab: ${one}${ranAt(one)}`),
          ...tests(each.zone).map((one) => `zone: ${one}`),
          ...tests(each.parts),
        ].join('; '),
        each.lacks ?? '',
      ]),
    ),
  ]);
  return [
    '# What is proven',
    "Generated from `scripts/features.ts` by `scripts/reference.ts`; do not edit. Every feature that the user documentation of CloudStack's Kubernetes service describes, and the best proof that there is of it here. A test fails when a proof that is named is not there, is skipped, or is a case of the lab that did not pass when it ran last; behind each case is when that was, and on which commit.",
    table(
      ['state', 'features', 'means'],
      STATES_OF_PROOF.map(([state, means]) => [`*${state}*`, String(counts.get(state) ?? 0), means]),
    ),
    ...sections,
    '',
  ].join('\n\n').replace(/\n+$/, '\n'); // prettier-ignore
}

export const PAGES: Readonly<Record<string, () => string>> = {
  'docs/reference/commands.md': commandsPage,
  'docs/reference/settings.md': settingsPage,
  'docs/reference/faults.md': faultsPage,
  'docs/reference/reports.md': reportsPage,
  'docs/reference/states.md': statesPage,
  'docs/reality.md': realityPage,
};

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  mkdirSync(join(projectRoot(), 'docs/reference'), { recursive: true });
  for (const [path, page] of Object.entries(PAGES)) writeFileSync(join(projectRoot(), path), page());
}
