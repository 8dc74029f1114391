import type { Feature, Proof } from './features.js';

export const STATES_OF_PROOF = [
  ['proven in the lab', 'a case of `npm run lab` passed (`lab/results.json`): real kubeadm, containerd and libvirt; nodes are LXC containers'],
  ['proven on the simulated zone', 'a test runs the service, or its drivers, against the simulated zone; no real Kubernetes'],
  ['built, proven in parts', 'tests of single parts only: rules, API, page, a program of a node or gateway, a workflow with fakes'],
  ['built, but unproven', 'no test asserts it'],
  ['not built', 'it is not there; the last column says what is'],
] as const; // prettier-ignore

/** The best that is proven of a feature. */
export function stateOf({ lab, zone, parts, absent }: Feature): (typeof STATES_OF_PROOF)[number][0] {
  if (absent) return 'not built';
  if (lab) return 'proven in the lab';
  if (zone) return 'proven on the simulated zone';
  return parts ? 'built, proven in parts' : 'built, but unproven';
}

/** Calls and table rows of a test file: without comments, since what is commented out proves nothing. */
const codeOf = (source: string): string => source.replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '');

/** Why a test is no proof, or `undefined`. `source`: the text of its file. */
export function whyNoProof([file, title]: Proof, source: string | undefined, onZone: boolean): string | undefined {
  if (source === undefined) return `there is no file test/${file}`;
  const code = codeOf(source);
  const literal = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  if (!new RegExp(`[([]\\s*(['"\`])${literal}\\1`).test(code)) return `test/${file} has no test "${title}"`;
  if (/\.(skip|todo|only|failing)\b|\bx(it|test|describe)\b/.test(code)) return `test/${file} skips tests`;
  if (onZone && !/\b(describeStack|SimulatedCluster|ZoneFixture)\b/.test(code))
    return `test/${file} does not use the simulated zone`;
  return undefined;
}
