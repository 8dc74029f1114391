import { SETTINGS, type SettingName, type SettingRule } from '../../workflows/model/settings.js';
import { responseObject, type Fields } from '../command.js';

export const CONFIGURATION = responseObject('configuration', {
  name: ['string', 'the name of the configuration'],
  value: ['string', 'the value of the configuration'],
  defaultvalue: ['string', 'the default value of the configuration'],
  description: ['string', 'the description of the configuration'],
  category: ['string', 'the category of the configuration'],
  group: ['string', 'the group of the configuration'],
  subgroup: ['string', 'the subgroup of the configuration'],
  component: ['string', 'the component of the configuration'],
  parent: ['string', 'the name of the parent configuration'],
  displaytext: ['string', 'the display text of the configuration'],
  type: ['string', 'the type of the configuration value: Boolean, Number or String'],
  scope: ['string', 'scope of the value: global or account'],
  isdynamic: ['boolean', 'true if the configuration is dynamic'],
});

const ENABLED = 'cloud.kubernetes.service.enabled';

export function configurationView(name: SettingName, stored: string | undefined, ofAccount: boolean): Fields {
  const rule: SettingRule = SETTINGS[name];
  return {
    name,
    value: stored ?? String(rule.value),
    defaultvalue: String(rule.value),
    description: rule.doc,
    category: 'Advanced',
    group: name.startsWith('cks.') || name.startsWith('cloud.kubernetes') ? 'Compute' : 'Miscellaneous',
    subgroup: name.startsWith('cks.') || name.startsWith('cloud.kubernetes') ? 'Kubernetes' : 'Others',
    component: 'KubernetesClusterService',
    parent: name.startsWith('cloud.kubernetes') && name !== ENABLED ? ENABLED : undefined,
    displaytext: name.split('.').map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join(' '), // prettier-ignore
    type: { number: 'Number', boolean: 'Boolean', string: 'String' }[
      typeof rule.value as 'number' | 'boolean' | 'string'
    ],
    scope: ofAccount && rule.scope === 'Account' ? 'account' : 'global',
    isdynamic: rule.dynamic ?? true,
  };
}
