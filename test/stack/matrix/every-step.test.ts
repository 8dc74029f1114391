import { describeStack } from '../stack.js';
import { everyStep, FAULTS, stepOf } from './cases.js';
import { drive } from './drive.js';

/** Cases at a time. Most of a case is waiting for a limit or a retry, so many fit on two cores. */
const LANES = 12;
/** Which fault meets which step. Another seed is another choice, in which `npm run matrix` looks as well. */
const SEED = 1;
const SECONDS = 900;

describeStack('the fault matrix', { profile: 'instant' }, (scenario) => {
  scenario(
    'every step of every operation can be broken: resume finishes it, or cancel leaves the rest as it was',
    async (stack) => {
      const begin = Date.now();
      const said: string[] = [];
      const { lines, all, done, left, problems } = await drive(stack, {
        lanes: LANES,
        choose: (cases) => everyStep(cases, SEED),
        say: (line) => said.push(line),
        // Before jest's own limit ends it without a word.
        until: begin + (SECONDS - 200) * 1000,
      });
      expect(problems).toEqual([]);
      expect(left).toEqual([]);
      // Nothing of the choice was lost: each step was met, with each fault and both ends.
      expect(done.length).toBe(new Set(all.map(stepOf)).size);
      expect(new Set(done.map(stepOf))).toEqual(new Set(lines.map(stepOf)));
      expect(new Set(done.map(({ fault, then }) => `${fault}, ${then}`))).toEqual(
        new Set(FAULTS.flatMap((fault) => [`${fault}, resume`, `${fault}, cancel`])),
      );
    },
    SECONDS,
  );
});
