/** A step as `listKubernetesClusterOperations` shows it. */
export interface StepView {
  title: string;
  state: string;
  skip?: string | null;
  started?: string | null;
  ended?: string | null;
  attempts?: number;
  note?: string | null;
  steps?: StepView[];
}

export interface OperationView {
  id: string;
  operation: string;
  state: string;
  jobid?: string;
  percent?: number;
  secondsleft?: number | null;
  reason?: string | null;
  temporalurl?: string;
  steps?: StepView[];
}

interface Line extends StepView {
  depth: number;
  path: string;
  leaf: boolean;
}

const SIGNS: Record<string, string> = {
  done: '✓',
  running: '▸',
  failed: '✗',
  skipped: '–',
  undoing: '↶',
  undone: '↶',
  cancelled: '–',
};
const ENDED = new Set(['done', 'failed', 'skipped', 'undone', 'cancelled']);
const OVER = new Set(['succeeded', 'failed', 'cancelled']);

/** True when the operation will not go on by itself. */
export const isOver = (operation: OperationView): boolean => OVER.has(operation.state);

function linesOf(steps: StepView[] | undefined, depth = 0, path = ''): Line[] {
  return (steps ?? []).flatMap((step, index) => {
    const below = linesOf(step.steps, depth + 1, `${path}${index}.`);
    return [{ ...step, depth, path: `${path}${index}`, leaf: below.length === 0 }, ...below];
  });
}

const time = (text: string | null | undefined) =>
  text ? Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) : Number.NaN;

export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function took(step: StepView, nowMs: number): string {
  const seconds = ((ENDED.has(step.state) ? time(step.ended) : nowMs) - time(step.started)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? duration(seconds) : '';
}

function textOf(step: Line, nowMs: number): string {
  const again = (step.attempts ?? 1) > 1 ? ` (attempt ${step.attempts})` : '';
  const why = step.state === 'skipped' ? step.skip : step.note;
  const seconds = step.state === 'skipped' ? '' : took(step, nowMs);
  return `${'  '.repeat(step.depth)}${SIGNS[step.state] ?? '·'} ${step.title}${seconds && `  ${seconds}`}${again}${why ? `: ${why}` : ''}`;
}

function bar(percent: number, width = 24): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}

/** One line: how far it is and how long it may still take. */
export function headline(operation: OperationView): string {
  const percent = Math.floor(operation.percent ?? 0);
  const left = operation.secondsleft;
  const rest = isOver(operation)
    ? operation.state
    : operation.state !== 'running'
      ? operation.state
      : typeof left === 'number'
        ? `about ${duration(Math.max(0, left))} left`
        : 'running';
  return `${bar(percent)} ${String(percent).padStart(3)} %  ${rest}`;
}

/**
 * The live block: a headline and the steps, one per line. When there are more steps than rows, what is going on stays: steps below an
 * ended group go first, then ended ones, oldest first, then waiting ones from the end.
 */
export function liveBlock(operation: OperationView, rows: number, nowMs = Date.now()): string[] {
  const all = linesOf(operation.steps);
  const room = Math.max(4, rows - 3);
  const important = (line: Line) => !ENDED.has(line.state) && line.started;
  let kept = all;
  let hiddenDone = 0;
  let hiddenWaiting = 0;
  const drop = (pick: (line: Line, index: number) => boolean, last = false) => {
    while (kept.length + (hiddenDone ? 1 : 0) + (hiddenWaiting ? 1 : 0) > room) {
      const index = last ? kept.findLastIndex(pick) : kept.findIndex(pick);
      if (index < 0) return;
      if (ENDED.has(kept[index]?.state ?? '')) hiddenDone += 1;
      else hiddenWaiting += 1;
      kept = kept.filter((_, place) => place !== index);
    }
  };
  drop((line) => line.depth > 0 && ENDED.has(line.state) && line.state !== 'failed');
  drop((line) => ENDED.has(line.state) && line.state !== 'failed');
  drop((line) => !important(line) && !ENDED.has(line.state), true);
  return [
    headline(operation),
    ...(hiddenDone ? [`✓ ${hiddenDone} steps ended`] : []),
    ...kept.map((line) => textOf(line, nowMs)),
    ...(hiddenWaiting ? [`· ${hiddenWaiting} more steps wait`] : []),
  ];
}

/** Lines for output that is not a terminal: one for each step that ended since the last call with the same `seen`. */
export function endedSince(operation: OperationView, seen: Set<string>): string[] {
  return linesOf(operation.steps)
    .filter((line) => line.leaf && ENDED.has(line.state) && !seen.has(`${operation.id}/${line.path}/${line.state}`))
    .map((line) => {
      seen.add(`${operation.id}/${line.path}/${line.state}`);
      return `${String(Math.floor(operation.percent ?? 0)).padStart(3)} %  ${textOf({ ...line, depth: 0 }, Date.now())}`;
    });
}
