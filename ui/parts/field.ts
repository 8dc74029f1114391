import type { Item } from '../api.js';
import { h } from '../dom.js';
import { title } from '../words.js';

export interface Choice {
  value: string;
  text: string;
  /** Names of a CNI configuration's variables, separated by commas. */
  variables?: string;
}

const NODE_TYPES = ['control', 'worker', 'etcd'];
/** Texts from this length on are pasted, and have several lines. */
const LONG = 4096;

/** Better labels than the parameter's name; the description stands below each field in any case. */
const LABELS: Record<string, string> = {
  zoneid: 'Zone', kubernetesversionid: 'Kubernetes version', serviceofferingid: 'Service offering', keypair: 'SSH key pair', size: 'Workers',
  controlnodes: 'Control nodes', etcdnodes: 'etcd nodes', networkid: 'Network', noderootdisksize: 'Root disk (GB)', clustertype: 'Cluster type',
  nodeaffinitygroups: 'Affinity groups per node type', nodeofferings: 'Offering', nodetemplates: 'Template', cniconfigurationid: 'CNI configuration', templateid: 'Template', networkids: 'Network', rootdisksize: 'Root disk (GB)', url: 'URL',
  semanticversion: 'Version', mincpunumber: 'CPUs that a node needs', minmemory: 'Memory that a node needs (MB)', forcks: 'For Kubernetes nodes', ispublic: 'For everybody',
  sshprivatekey: 'SSH private key', sshhostkey: 'SSH host key; empty: shows it, to be compared', hosttags: 'Tags', fabricurl: 'URL of the fabric program', pool: 'Storage pool', cniconfig: 'Content', params: 'Variables',
  cacert: 'Certificate of the authority (+tls)', clientcert: 'Client certificate (+tls)', clientkey: 'Client key (+tls)', domainid: 'Domain', projectid: 'Project',
  externalloadbalanceripaddress: 'Address of your own balancer', enablecsi: 'CSI driver', asnumber: 'AS number',
}; // prettier-ignore

const START: Record<string, string> = { size: '1', controlnodes: '1' };

/** The field for one parameter as `listApis` describes it. */
export function parameterField(parameter: Item, choices: readonly Choice[] | undefined): HTMLElement {
  const name = String(parameter.name);
  const id = `field-${name}`;
  const required = parameter.required === true;
  const props = { id, name, required, 'aria-describedby': `${id}-says` };
  const label = h(
    'label',
    { for: id },
    LABELS[name] ?? title(name),
    required && h('span', { class: 'dim' }, ' (required)'),
  );
  const says = h('p', { class: 'hint', id: `${id}-says` }, title(String(parameter.description)));
  if (parameter.type === 'boolean')
    return h(
      'div',
      { class: 'field check' },
      h('input', { ...props, type: 'checkbox', value: 'true', required: false }),
      label,
      says,
    );
  if (parameter.type === 'map' && choices) return perType(name, LABELS[name] ?? title(name), choices);
  // Its fields come with the CNI configuration that is chosen.
  if (name === 'cniconfigdetails') return h('div', { id: 'cni-variables' });
  return h('div', { class: 'field' }, label, control(parameter, choices, props), says);
}

const options = (choices: readonly Choice[]) => choices.map(({ value, text }) => h('option', { value }, text));

/** One choice for each type of node, named `nodeofferings.control` and so on. */
const perType = (name: string, label: string, choices: readonly Choice[]): HTMLElement =>
  h(
    'fieldset',
    {},
    h('legend', {}, `${label} per node type`),
    NODE_TYPES.map((type) => [
      h('label', { for: `field-${name}-${type}` }, `${label}: ${type} nodes`),
      h(
        'select',
        { id: `field-${name}-${type}`, name: `${name}.${type}` },
        h('option', { value: '' }, '—'),
        options(choices),
      ),
    ]),
  );

/** A field for each variable of a CNI configuration. */
export const variableFields = (variables: string): HTMLElement[] =>
  variables
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
    .map((each) =>
      h('div', { class: 'field' }, h('label', { for: `field-cni-${each}` }, each), h('input', { id: `field-cni-${each}`, name: `cniconfigdetails.${each}`, autocomplete: 'off' })),
    ); // prettier-ignore

function control(
  parameter: Item,
  choices: readonly Choice[] | undefined,
  props: { name: string; required: boolean },
): HTMLElement {
  if (choices) {
    const none = props.required ? [] : [h('option', { value: '' }, '—')];
    return h('select', props, none, options(choices)); // prettier-ignore
  }
  if (parameter.type === 'map')
    return h('textarea', {
      ...props,
      rows: 2,
      spellcheck: 'false',
      placeholder: 'One entry per line: key=value, key=value',
    });
  if (parameter.type === 'string' && Number(parameter.length) >= LONG)
    return h('textarea', { ...props, rows: 3, spellcheck: 'false', autocomplete: 'off' });
  const numeric = parameter.type === 'long' || parameter.type === 'integer';
  const secret = props.name.includes('password');
  return h('input', {
    ...props,
    value: START[props.name],
    maxlength: numeric ? undefined : (parameter.length as number),
    ...(numeric && { type: 'number', min: 0, step: 1 }),
    ...(secret && { type: 'password', autocomplete: 'new-password' }),
    ...(!secret && { autocomplete: 'off' }),
  });
}

/** What a filled form says, as parameters: empty fields are left out, lines of a map become `name[0].key=value`. */
export function readFields(form: HTMLFormElement, parameters: readonly Item[]): Record<string, string> {
  const sent: Record<string, string> = {};
  const data = new FormData(form);
  for (const { name, type } of parameters as { name: string; type: string }[]) {
    if (type === 'map') Object.assign(sent, partsOf(name, data));
    const value = data.get(name);
    if (typeof value !== 'string' || value.trim() === '') continue;
    if (type !== 'map') {
      sent[name] = value;
      continue;
    }
    for (const [index, line] of value
      .split('\n')
      .filter((each) => each.trim())
      .entries()) {
      for (const pair of line.split(',')) {
        const at = pair.indexOf('=');
        if (at > 0) sent[`${name}[${index}].${pair.slice(0, at).trim()}`] = pair.slice(at + 1).trim();
      }
    }
  }
  return sent;
}

/** Fields named `<map>.<part>`: a choice per node type, or a value per variable. */
function partsOf(name: string, data: FormData): Record<string, string> {
  const filled = [...data].flatMap(([key, value]) =>
    key.startsWith(`${name}.`) && typeof value === 'string' && value.trim() !== ''
      ? [[key.slice(name.length + 1), value] as const]
      : [],
  );
  if (name === 'cniconfigdetails')
    return Object.fromEntries(filled.map(([key, value]) => [`${name}[0].${key}`, value]));
  const what = name === 'nodetemplates' ? 'template' : 'offering';
  return Object.fromEntries(
    filled.flatMap(([type, id], i) => [
      [`${name}[${i}].node`, type],
      [`${name}[${i}].${what}`, id],
    ]),
  );
}
