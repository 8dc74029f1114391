import { quorumWarnings } from '../../workflows/model/quorum.js';

test.each([
  [{ controls: 1, etcd: 0 }, []],
  [{ controls: 3, etcd: 0 }, []],
  [{ controls: 2, etcd: 3 }, []],
  [{ controls: 2, etcd: 1 }, []],
  [{ controls: 2, etcd: 0 }, ['2 control nodes', 'loss of 0', 'than 1 would', '3 outlive the loss of 1']],
  [{ controls: 4, etcd: 0 }, ['4 control nodes', 'loss of 1', 'than 3 would', '5 outlive the loss of 2']],
  [{ controls: 3, etcd: 2 }, ['2 etcd nodes', '3 outlive the loss of 1']],
])('%j warns: %j (report 15)', (counts, words) => {
  const warnings = quorumWarnings(counts);
  expect(warnings).toHaveLength(words.length === 0 ? 0 : 1);
  for (const each of words) expect(warnings[0]).toContain(each);
});
