import { call, list, start, wordsOf, type Item } from '../api.js';
import { readChoices } from '../choices.js';
import { h, show } from '../dom.js';
import { parameterField, readFields, variableFields } from '../parts/field.js';
import { attempt, notice } from '../parts/notice.js';
import { planView } from '../parts/plan.js';
import { go, linkTo, type ShowView } from '../router.js';

const FIRST = [
  'name',
  'zoneid',
  'kubernetesversionid',
  'serviceofferingid',
  'controlnodes',
  'size',
  'keypair',
  'description',
];
/** `masternodes` is ignored by the server, a plan has a button of its own. */
const NEVER = ['masternodes', 'dryrun', 'planhash'];
/** Chosen first where the command itself would take none. */
const PRESELECTED = ['kubernetesversionid', 'serviceofferingid'];

const COMMAND = 'createKubernetesCluster';

/** The form for a new cluster, made from what `listApis` says of the command. */
export const createView: ShowView = ({ main, signal }) => {
  const place = h('div', {}, h('p', { class: 'dim' }, 'Loading …'));
  main.append(h('div', { class: 'head' }, h('h1', {}, 'Create a cluster')), place);
  void fill(place, signal).catch((error: unknown) => {
    if (!signal.aborted) show(place, notice('bad', wordsOf(error)));
  });
};

async function fill(place: HTMLElement, signal: AbortSignal): Promise<void> {
  const [{ items }, choices, { capability }] = await Promise.all([
    list('listApis', 'api', { name: COMMAND }, signal),
    readChoices(signal),
    call('listCapabilities', {}, signal),
  ]);
  if (signal.aborted) return;
  const experimental = capability?.kubernetesclusterexperimentalfeaturesenabled === true;
  const parameters = ((items[0]?.params ?? []) as Item[]).filter(
    ({ name }) => !NEVER.includes(String(name)) && (experimental || !String(name).startsWith('dockerregistry')),
  );
  const byName = new Map(parameters.map((each) => [String(each.name), each]));
  const field = (parameter: Item) => parameterField(parameter, choices[String(parameter.name)]);
  const trouble = h('div');
  const plan = h('div', { 'aria-live': 'polite' });
  const form = h('form', { class: 'card' });
  const create = (event: SubmitEvent) => {
    event.preventDefault();
    void attempt(form.querySelector('button.main'), trouble, async () => {
      const { id } = await start(COMMAND, readFields(form, parameters));
      go('clusters', String(id));
    });
  };
  const showPlan = (event: MouseEvent) => {
    if (!form.reportValidity()) return;
    void attempt(event.currentTarget as HTMLButtonElement, trouble, async () => {
      const answer = await call(COMMAND, { ...readFields(form, parameters), dryrun: 'true' });
      show(plan, planView(answer.plan as Item, h('h2', {}, 'What would happen'), 'The cluster is only written down: its machines are made and managed elsewhere, and are added to it.')); // prettier-ignore
    });
  };
  form.onsubmit = create;
  form.append(
    h('div', { class: 'grid' }, FIRST.flatMap((name) => byName.get(name) ?? []).map(field)),
    h('details', {}, h('summary', {}, 'More'), h('div', { class: 'grid' }, parameters.filter(({ name }) => !FIRST.includes(String(name))).map(field))),
    trouble,
    h('div', { class: 'buttons' }, h('button', { class: 'main' }, 'Create'), h('button', { type: 'button', onclick: showPlan }, 'Show the plan'), h('a', { class: 'button', href: linkTo([]) }, 'Back')),
    plan,
  ); // prettier-ignore
  for (const name of PRESELECTED) {
    const select = form.elements.namedItem(name);
    if (select instanceof HTMLSelectElement && select.options.length > 1) select.selectedIndex = 1;
  }
  const cni = form.elements.namedItem('cniconfigurationid');
  if (cni instanceof HTMLSelectElement)
    cni.onchange = () => {
      const chosen = choices.cniconfigurationid?.find(({ value }) => value === cni.value);
      form.querySelector('#cni-variables')?.replaceChildren(...variableFields(chosen?.variables ?? ''));
    };
  if (choices.kubernetesversionid?.length === 0)
    show(
      trouble,
      notice(
        'warn',
        'No Kubernetes version is Enabled and Ready yet. A fresh zone fetches its versions in the background: come back in a moment.',
      ),
    );
  place.replaceChildren(form);
  form.querySelector('input')?.focus();
}
