import type { Item } from '../engine/step.js';
import type { NodeRef } from '../model/operation.js';
import type { Act } from '../stubs.js';
import type { BootContext } from './context.js';

/**
 * What runs in a cluster besides its nodes. Each follows the API server, not the last worker, and has a health of its own: none is
 * a condition of a running cluster (design §5), but for the CNI configuration, without which no node is Ready.
 */
export function componentSteps({ facts, settings }: BootContext, control: NodeRef): Item<Act>[] {
  // One program runs on a node at a time: joins of control nodes, which need the first one, go before components.
  const needs = ['api', `control-${facts.controlCount}/joined`];
  const limitSeconds = settings['cks.component.timeout'];
  const has = (name: string, words: string) => facts.components.includes(name) && words;
  const network: Item<Act>[] = [];
  if (facts.cniConfiguration)
    network.push({
      title: 'components: apply the CNI configuration',
      kind: 'component.cni',
      needs: ['api'],
      limitSeconds,
      skip: has('cni', 'it is applied'),
      run: ({ node }) => node.applyCni(control),
    });
  // An attempt that began before there was the setting has none.
  if (settings['cks.metadata.policy.namespaces'])
    network.push({
      title: 'components: policy against metadata servers',
      kind: 'component.metadata',
      needs: ['api'],
      optional: true,
      limitSeconds,
      skip: has('metadata-policy', 'it is applied'),
      run: ({ kubernetes }) => kubernetes.ensureMetadataPolicy(),
    });
  const lanes: Item<Act>[][] = network.length > 0 ? [network] : [];
  lanes.push([
    {
      title: 'components: dashboard',
      kind: 'component.dashboard',
      needs,
      optional: true,
      limitSeconds,
      skip: has('dashboard', 'it is applied'),
      run: ({ node }) => node.applyComponent(control, 'dashboard'),
    },
  ]);
  lanes.push([
    {
      title: 'components: credentials of the cloud controller',
      kind: 'component.secret',
      needs,
      optional: true,
      limitSeconds,
      skip: has('cloud-secret', 'they are there'),
      run: ({ kubernetes }) => kubernetes.ensureCloudSecret(),
    },
    {
      title: 'components: cloud controller',
      kind: 'component.provider',
      optional: true,
      limitSeconds,
      skip: facts.networkShared ? 'a shared network has no balancer for it to drive' : has('provider', 'it is applied'),
      run: ({ node }) => node.applyComponent(control, 'provider'),
    },
    ...(facts.csi
      ? [
          {
            title: 'components: CSI driver',
            kind: 'component.csi',
            optional: true,
            limitSeconds,
            skip: has('csi', 'it is applied'),
            run: ({ node }: Act) => node.applyComponent(control, 'csi'),
          },
        ]
      : []),
  ]);
  return [{ title: 'components', lanes }];
}
