import { projectRoot } from '../../db/project-root.js';
import { REPORTS, titlesByReport } from '../../scripts/reports.js';

const titles = titlesByReport(projectRoot());

test('all thirty are listed', () => {
  expect(REPORTS).toHaveLength(30);
  expect([...titles.keys()].filter((number) => number < 1 || number > REPORTS.length)).toEqual([]);
});

test.each(REPORTS.map((each, i) => [i + 1, each] as const))(
  'report %i has a test with its number, or says why not',
  (number, { not }) => {
    if (not === undefined) expect(titles.get(number) ?? []).not.toEqual([]);
    else expect(titles.get(number)).toBeUndefined();
  },
);
