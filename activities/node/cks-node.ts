import { createHash } from 'node:crypto';
import { sleep } from '@temporalio/activity';
import { z } from 'zod';
import { fault } from '../../workflows/model/fault.js';
import type { ExecResult, SshSession } from './ssh.js';

export type Subcommand =
  | 'install'
  | 'init'
  | 'kubeconfig'
  | 'share'
  | 'join'
  | 'reset'
  | 'status'
  | 'evidence'
  | 'machine'
  | 'prestage'
  | 'upgrade'
  | 'etcd'
  | 'renew'
  | 'registry'
  | 'component'
  | 'cni';

const answer = z.object({
  state: z.enum(['done', 'failed', 'running', 'absent']),
  result: z.record(z.string(), z.unknown()).default({}),
  error: z.string().default(''),
});

/** A run that failed is stored under its key; each further try has a key of its own. */
const TRIES = 3;
/** What a shell, and what sudo answers for a program that is not there; a failed run answers 1, too, but in its form. */
const NOT_FOUND = 127;
const isAbsent = ({ code, stdout, stderr }: ExecResult) =>
  code === NOT_FOUND || (code === 1 && stdout.trim() === '' && stderr.includes('command not found'));
/** A connection that is lost while the program is copied leaves its beginning: all of it is functions, so that does nothing and says nothing. */
const isCutOff = ({ code, stdout, stderr }: ExecResult) =>
  stdout.trim() === '' && (code === 0 || (code === 2 && /: line \d+: /.test(stderr)));

/** Quoted `name=value` lines: the only way in which values reach a node (`guest/README.md`). */
export function inputLines(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}

/** Where a node has the program: another one has another name, so that each caller runs its own. */
export const programPath = (program: Buffer): string =>
  `/opt/bin/cks-node-${createHash('sha256').update(program).digest('hex').slice(0, 16)}`;

/**
 * Runs one subcommand of `cks-node` and returns its result. The key names the run: the same key attaches to it or finds its result,
 * so a lost connection or a killed worker never starts it twice.
 */
export async function runCksNode(
  session: SshSession,
  signal: AbortSignal,
  program: Buffer,
  nodeName: string,
  subcommand: Subcommand,
  key: string,
  values: () => Promise<Record<string, string>> | Record<string, string>,
): Promise<Record<string, unknown>> {
  const path = programPath(program);
  let last = '';
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const run = async () =>
      session.exec(`sudo ${path} ${subcommand} ${key}-${attempt}`, signal, inputLines(await values()));
    let answered = await run();
    if (isAbsent(answered) || isCutOff(answered)) {
      const put = await session.exec(`sudo install -D -m 0755 /dev/stdin ${path}`, signal, program);
      if (put.code !== 0) throw fault('NodeFailed', `${nodeName}: cannot copy cks-node to it: ${put.stderr.trim()}`);
      answered = await run();
    }
    const { code, stdout, stderr } = answered;
    if (code !== 0 && code !== 1) {
      const words = stderr.trim().slice(0, 500);
      throw fault('NodeRefused', `${nodeName}: cks-node ${subcommand} ended with ${code}: ${words}`);
    }
    const parsed = answer.safeParse(parseLine(stdout));
    if (!parsed.success) {
      throw fault(
        'NodeFailed',
        `${nodeName}: cks-node ${subcommand} did not answer in its form: ${`${stdout} ${stderr}`.trim().slice(0, 300)}`,
      );
    }
    if (parsed.data.state === 'done') return parsed.data.result;
    last = parsed.data.error;
    if (attempt < TRIES) await sleep(500 * attempt);
  }
  throw fault('NodeRefused', `${nodeName}: ${subcommand} failed ${TRIES} times: ${last}`);
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text.trim().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}
