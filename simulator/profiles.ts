import { readFileSync } from 'node:fs';

/** Seconds per action. Most carry the names that `docs/simulator.md` explains; `t_kube` stands in for `t_kube_…` in a file. */
const REALISTIC = {
  t_net: 60,
  t_ip: 0,
  t_new: 5,
  t_run: 25,
  t_iso: 4,
  t_inst: 90,
  t_init: 60,
  t_cp: 40,
  t_join: 20,
  t_rdy: 30,
  t_notready: 40,
  t_pf: 3,
  t_fw: 3,
  t_drain: 40,
  t_stop: 10,
  t_resize: 5,
  t_destroy: 5,
  t_netdel: 10,
  t_reset: 5,
  t_import: 90,
  t_kube: 60,
  t_kube_first: 120,
  t_kube_c: 60,
  t_kube_w: 30,
  t_swap: 20,
  t_back: 20,
  t_comp: 30,
  t_conf: 5,
};

export type Symbol8 = keyof typeof REALISTIC;
export type Profile = Readonly<Record<Symbol8, number>>;

/** A create of one control node and a few workers takes 15 to 20 s. */
const DEMO: Profile = {
  t_net: 2,
  t_ip: 0.3,
  t_new: 0.5,
  t_run: 3,
  t_iso: 0.3,
  t_inst: 4,
  t_init: 3.5,
  t_cp: 2.5,
  t_join: 1.5,
  t_rdy: 1.5,
  t_notready: 1.5,
  t_pf: 0.3,
  t_fw: 0.3,
  t_drain: 1,
  t_stop: 1,
  t_resize: 0.5,
  t_destroy: 0.7,
  t_netdel: 1,
  t_reset: 0.5,
  t_import: 2,
  t_kube: 2,
  t_kube_first: 3,
  t_kube_c: 2,
  t_kube_w: 1,
  t_swap: 1,
  t_back: 1,
  t_comp: 1.5,
  t_conf: 0.3,
};

const every = (seconds: number): Profile =>
  Object.fromEntries(Object.keys(REALISTIC).map((symbol) => [symbol, seconds])) as Record<Symbol8, number>;

const NAMED: Record<string, Profile> = { instant: every(0.002), demo: DEMO, realistic: REALISTIC };

/** The profile of that name, or read from a JSON file of seconds per symbol (what it leaves out is as in `demo`). */
export function readProfile(name: string): Profile {
  const named = NAMED[name];
  if (named) return named;
  const wrong = (why: string) =>
    new Error(`SIMULATOR_PROFILE=${name}: ${why}. Use ${Object.keys(NAMED).join(', ')}, or a JSON file of seconds`);
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(name, 'utf8'));
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw wrong('not a JSON object');
  for (const [symbol, seconds] of Object.entries(read)) {
    if (!(symbol in REALISTIC))
      throw wrong(`unknown duration "${symbol}"; known are ${Object.keys(REALISTIC).join(', ')}`);
    if (typeof seconds !== 'number' || !(seconds >= 0)) throw wrong(`"${symbol}" is not a number of seconds`);
  }
  const given = read as Partial<Profile>;
  const { t_kube: kube } = given;
  const kubeadm = kube === undefined ? {} : { t_kube_first: kube, t_kube_c: kube, t_kube_w: kube };
  return { ...DEMO, ...kubeadm, ...given };
}
