import { list, type Item } from './api.js';
import type { Choice } from './parts/field.js';
import { byVersion, memoryText } from './words.js';
import { readZones } from './zones.js';

export type Choices = Record<string, Choice[] | undefined>;

const choice = (item: Item, text = String(item.name)): Choice => ({ value: String(item.id), text });

/** What the create form offers to choose from. Where a list cannot be read, its field takes text. */
export async function readChoices(signal: AbortSignal): Promise<Choices> {
  const read = async (command: string, key: string, parameters = {}) => {
    const found = await list(command, key, parameters, signal).catch(() => undefined);
    return found?.items;
  };
  const [zones, versions, offerings, keyPairs, networks, templates, configurations] = await Promise.all([
    readZones().catch(() => undefined),
    read('listKubernetesSupportedVersions', 'kubernetessupportedversion'),
    read('listServiceOfferings', 'serviceoffering'),
    read('listSSHKeyPairs', 'sshkeypair'),
    read('listNetworks', 'network'),
    read('listTemplates', 'template', { templatefilter: 'executable' }),
    read('listCniConfiguration', 'cniconfig'),
  ]);
  const usable = versions
    ?.filter((each) => each.state === 'Enabled' && (each.isostate ?? 'Ready') === 'Ready')
    .sort((a, b) => byVersion(b.semanticversion, a.semanticversion));
  const sizes = offerings?.map((each) =>
    choice(each, `${String(each.name)} — ${each.cpunumber} CPU, ${memoryText(each.memory)}`),
  );
  return {
    zoneid: zones?.map((each) =>
      choice(each, `${String(each.name)}${each.hypervisor === 'Simulator' ? ' (SIMULATED)' : ''}`),
    ),
    kubernetesversionid: usable?.map((each) => choice(each)),
    serviceofferingid: sizes,
    nodeofferings: sizes,
    templateid: templates?.map((each) => choice(each)),
    nodetemplates: templates?.filter(({ forcks }) => forcks === true).map((each) => choice(each)),
    cniconfigurationid: configurations?.map((each) => ({ ...choice(each), variables: String(each.params ?? '') })),
    keypair: keyPairs?.map(({ name }) => ({ value: String(name), text: String(name) })),
    networkid: networks?.map((each) => choice(each)),
    networkids: networks?.map((each) => choice(each)),
    clustertype: ['CloudManaged', 'ExternalManaged'].map((each) => ({ value: each, text: each })),
  };
}
