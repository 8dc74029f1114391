import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once, productsOf, unbuilt } from '../../lab/build.js';
import { CASES } from '../../lab/cases/index.js';
import { whyNoLab } from '../../lab/machine.js';
import { chooseForCi } from '../../lab/choice.js';
import { CNI_PLUGINS, COREDNS, CRICTL, ETCDCTL, FIRST, FLANNEL } from '../../lab/versions.js';

let home: string;
let cache: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cks-lab-core-'));
  cache = join(home, 'cks', 'lab');
});
afterEach(() => rmSync(home, { recursive: true }));

const put = (file: string) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
};
const PROGRAMS = [
  `kubernetes/${FIRST.kubernetes}/kubectl`, `etcd/${FIRST.etcd}/etcd`, `etcdctl/${ETCDCTL}/etcdctl`, `cni/${CNI_PLUGINS}/firewall`,
  `coredns/${COREDNS}/coredns`, `flannel/${FLANNEL}/flanneld`, `crictl/${CRICTL}/crictl`,
]; // prettier-ignore

test('programs, the root of nodes and the medium are each missed until they are there, made with the sources as they are', async () => {
  expect(unbuilt(cache, FIRST)).toHaveLength(PROGRAMS.length + 2);
  for (const program of PROGRAMS) put(join(cache, program));
  const { root, medium } = productsOf(cache, FIRST);
  expect(unbuilt(cache, FIRST)).toEqual([root.name, medium.name]);

  await once(root, async () => put(root.file));
  expect(unbuilt(cache, FIRST)).toEqual([medium.name]);
  put(medium.file); // without a mark: a build that was cut off
  expect(unbuilt(cache, FIRST)).toEqual([medium.name]);
  await once(medium, async () => put(medium.file));
  expect(unbuilt(cache, FIRST)).toEqual([]);

  writeFileSync(`${root.file}.made-of`, 'other sources');
  expect(unbuilt(cache, FIRST)).toEqual([root.name]);
});

test('what is made is not made again', async () => {
  const { root } = productsOf(cache, FIRST);
  let times = 0;
  const make = async () => {
    times++;
    put(root.file);
  };
  await once(root, make);
  await once(root, make);
  expect(times).toBe(1);
});

test('the core makes and deletes a cluster and kills a worker, of one version', () => {
  const core = CASES.filter((one) => one.core);
  expect(core.map(({ name }) => name)).toEqual([
    expect.stringMatching(/^create 1\+1.*delete leaves nothing/),
    expect.stringMatching(/kill -9 of the worker/),
  ]);
  expect(core.filter(({ next }) => next)).toEqual([]);
});

test.each([
  ['nothing else without time', 300, {}, [], 'left out, since there is no time for it: short | long; left out, since how long it takes is not known: never'],
  ['what fits after the core, going by half as much again', 500, {}, ['short'], 'left out, since there is no time for it: long; left out, since how long it takes is not known: never'],
  ['what has time when something before it has none', 1_000, { short: 'it lacks a program' }, ['long'],
    'left out, since it lacks a program: short; left out, since how long it takes is not known: never'],
])('CI runs the core and %s', (_, seconds, lacking: Record<string, string>, further, left) => {
  const took = { core: 200, short: 100, long: 400, never: undefined };
  const cases = Object.keys(took).map((name) => ({ ...CASES[0]!, name, core: name === 'core' }));
  const room = { seconds, took: ({ name }: { name: string }) => took[name as keyof typeof took], lacks: ({ name }: { name: string }) => lacking[name] };
  const choice = chooseForCi(cases, room);
  expect({ ...choice, chosen: choice.chosen.map(({ name }) => name) }).toEqual({ chosen: ['core', ...further], left });
}); // prettier-ignore

test('where no modules can be fetched, the core says so in one line and is no failure', () => {
  const out = execFileSync(process.execPath, ['dist/lab/main.js', '--core', '20'], {
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: home, GOPROXY: 'off', GOMODCACHE: join(home, 'modules') },
  });
  const lack = whyNoLab(CASES.filter(({ core }) => core));
  const line = lack ?? expect.stringMatching(/programs\.sh ended with 1: .*module lookup disabled by GOPROXY=off/);
  const [start, said] = out
    .trimEnd()
    .split('\n')
    .at(-1)!
    .split(/(?<=all of it: )/);
  expect([start, said]).toEqual(['lab: left out: all of it: ', line]);
  expect(out).not.toContain('passed');
});
