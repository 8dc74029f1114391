import { parseArgs } from 'node:util';
import { expect } from 'expect';
import { randomOf } from '../../../lab/random.js';
import { Stack } from '../stack.js';
import { cover, everyStep, FAULTS, nameOf, stepOf } from './cases.js';
import { keepRun } from './kept.js';

const USAGE = `The fault matrix: every step of every operation with every fault, then resumed and, in another run, cancelled.
usage: npm run matrix -- [options]
  --only TEXT    cases whose name holds it, as in "add nodes: worker: join: killed, cancel"
  --kinds A,B    cases of steps of these kinds, as actions.ts names them
  --cover        in place of all: each step resumed once and cancelled once, each kind of step with each fault
  --once         in place of all: each step broken once, as the tests do
  --shard 1/8    the first of eight parts
  --minutes N    begin no case after so long
  --lanes N      so many cases at a time (6)
  --seed N       another order, and another choice for --cover and --once (1)
The last whole run of each choice is kept in test/stack/matrix/results.json.`;
const { values } = parseArgs({
  options: {
    shard: { type: 'string', default: '1/1' },
    minutes: { type: 'string', default: '600' },
    lanes: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
    cover: { type: 'boolean', default: false },
    once: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    kinds: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const [shard = 1, shards = 1] = values.shard.split('/').map(Number);
const seed = Number(values.seed);
const kinds = values.kinds.split(',').filter(Boolean);
// What the matrix expects is written as in jest's tests.
Object.assign(globalThis, { expect });
const { drive } = await import('./drive.js');

const begin = Date.now();
const stack = await Stack.start({ profile: 'instant' });
const say = (line: string) => void process.stdout.write(`${line}\n`);
process.once('SIGINT', () => void stack.stop().then(() => process.exit(130)));
try {
  const { lines, all, done, left, problems, kills } = await drive(stack, {
    lanes: Number(values.lanes),
    say,
    until: begin + Number(values.minutes) * 60_000,
    choose: (cases) => {
      const random = randomOf(seed);
      const mixed = cases.map((one) => ({ one, at: random() })).sort((a, b) => a.at - b.at).map(({ one }) => one); // prettier-ignore
      const part = values.cover ? cover(cases, seed) : values.once ? everyStep(cases, seed) : mixed;
      const isWanted = (one: (typeof part)[number]) =>
        nameOf(one).includes(values.only) && (kinds.length === 0 || kinds.includes(one.kind));
      return part.filter((one, i) => i % shards === shard - 1 && isWanted(one));
    },
  });
  const pairs = (cases: typeof all) => new Set(cases.map(({ kind, fault }) => `${kind} ${fault}`)).size;
  const steps = (cases: typeof all) => new Set(cases.map(stepOf)).size;
  say('');
  for (const problem of problems) say(`FAILED ${problem}\n`);
  say(`${lines.length} steps of ${new Set(lines.map(({ operation }) => operation)).size} operations, ${new Set(lines.map(({ kind }) => kind)).size} kinds, ${FAULTS.length} faults`); // prettier-ignore
  say(`cases run ${done.length} of ${all.length} (steps ${steps(done)} of ${steps(all)}, kind × fault ${pairs(done)} of ${pairs(all)}); ${left.length} chosen and not begun`); // prettier-ignore
  say(`seed ${seed}, shard ${values.shard}, the worker killed ${kills} times, ${Math.round((Date.now() - begin) / 1000)} s`); // prettier-ignore
  say(`${done.length - problems.length} passed, ${problems.length} failed`);
  const choice = `${values.cover ? 'cover' : values.once ? 'once' : 'all'}${shards > 1 ? `, shard ${values.shard}` : ''}`;
  if (values.only === '' && kinds.length === 0)
    keepRun({
      choice,
      seed,
      seconds: Math.round((Date.now() - begin) / 1000),
      kills,
      cases: { run: done.length, failed: problems.length, notBegun: left.length, ofAll: all.length },
      steps: [steps(done), steps(all)],
      kindsAndFaults: [pairs(done), pairs(all)],
      failures: problems.map((problem) => problem.split('\n')[0]!.slice(0, 300)),
    });
  process.exitCode = problems.length > 0 || done.length === 0 ? 1 : 0;
  stack.failed = problems.length > 0;
  if (stack.failed) say(`state folder and logs: ${stack.home}`);
} finally {
  await stack.stop();
}
process.exit();
