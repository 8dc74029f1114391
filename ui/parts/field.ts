import type { Item } from '../api.js';
import { h } from '../dom.js';
import { title } from '../words.js';

export interface Choice {
  value: string;
  text: string;
}

/** Better labels than the parameter's name; the description stands below each field in any case. */
const LABELS: Record<string, string> = {
  zoneid: 'Zone', kubernetesversionid: 'Kubernetes version', serviceofferingid: 'Service offering', keypair: 'SSH key pair', size: 'Workers',
  controlnodes: 'Control nodes', etcdnodes: 'etcd nodes', networkid: 'Network', noderootdisksize: 'Root disk (GB)', clustertype: 'Cluster type',
  nodeofferings: 'Offerings per node type', nodetemplates: 'Templates per node type', domainid: 'Domain', projectid: 'Project',
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
  return h('div', { class: 'field' }, label, control(parameter, choices, props), says);
}

function control(
  parameter: Item,
  choices: readonly Choice[] | undefined,
  props: { name: string; required: boolean },
): HTMLElement {
  if (choices) {
    const none = props.required ? [] : [h('option', { value: '' }, '—')];
    return h('select', props, none, choices.map(({ value, text }) => h('option', { value }, text))); // prettier-ignore
  }
  if (parameter.type === 'map')
    return h('textarea', {
      ...props,
      rows: 2,
      spellcheck: 'false',
      placeholder: 'One entry per line: key=value, key=value',
    });
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
