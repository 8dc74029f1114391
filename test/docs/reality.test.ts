import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';
import { readResults } from '../../lab/results.js';
import { FEATURES, type Proof } from '../../scripts/features.js';
import { stateOf, whyNoProof } from '../../scripts/reality.js';

const root = projectRoot();
const features = Object.values(FEATURES).flat();
const sourceOf = (file: string): string | undefined => {
  const path = join(root, 'test', file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
};
const wrong = (proofs: readonly Proof[] = [], onZone = false) =>
  proofs.flatMap((proof) => whyNoProof(proof, sourceOf(proof[0]), onZone) ?? []);

test.each(features.map((each) => [each.what, each] as const))('%s: its proofs are there and run', (_, feature) => {
  expect([...wrong(feature.zone, true), ...wrong(feature.parts)]).toEqual([]);
});

test('every case of the lab that is named as proof passed', () => {
  const passed = readResults(join(root, 'lab/results.json'))
    .filter(({ result }) => result === 'passed')
    .map(({ name }) => name);
  expect(features.flatMap(({ lab }) => lab ?? []).filter((name) => !passed.includes(name))).toEqual([]);
});

test('features have names of their own, and what has no proof says what is lacking', () => {
  expect(new Set(features.map(({ what }) => what)).size).toBe(features.length);
  const bare = features.filter(({ lab, zone, parts }) => [...(lab ?? []), ...(zone ?? []), ...(parts ?? [])].length === 0); // prettier-ignore
  for (const each of bare) expect([each.what, each.lacks]).toEqual([each.what, expect.stringMatching(/\w/)]);
  expect(bare.map(stateOf).filter((state) => state !== 'built, but unproven' && state !== 'not built')).toEqual([]);
  expect(features.filter((each) => each.absent && !bare.includes(each))).toEqual([]);
});

const FILE = `describeStack('a', {}, (scenario) => { scenario(\n  'does it', async () => {}); });`;
test.each([
  ['it is there', 'does it', FILE, undefined],
  ['its file is not', 'does it', undefined, 'there is no file'],
  ['only part of its title is', 'does', FILE, 'has no test'],
  ['it is commented out', 'does it', "  // it('does it', run);", 'has no test'],
  ['it is an argument of something else', 'does it', "log.info(one, 'does it');", 'has no test'],
  ['it is skipped', 'does it', "describeStack; it.skip('does it', run);", 'skips tests'],
  ['its file skips under a condition', 'does it', "(has ? it : it.skip)('does it', run); // describeStack", 'skips tests'],
  ['it is not on the simulated zone', 'does it', "it('does it', run);", 'does not use the simulated zone'],
])('a proof is judged when %s', (_, title, source, why) => {
  const found = whyNoProof(['x.test.ts', title], source, true);
  if (why === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(why);
}); // prettier-ignore
