import { hostNetwork } from '../../activities/hypervisor/host-network.js';
import type { NetworkRow } from '../../db/rows.js';

const network = (more: Partial<NetworkRow>) =>
  ({ uuid: 'n', network_number: 7, guest_type: 'Isolated', bridge: null, vlan: null, ...more }) as NetworkRow;

test.each([
  ['an isolated network', {}, undefined],
  ['an isolated network with a VLAN', { vlan: '12' }, undefined],
  ['a shared network on the bridge that was named', { guest_type: 'Shared', bridge: 'br-lab', vlan: '12' }, 'br-lab'],
  ['a shared network on the bridge of its VLAN', { guest_type: 'Shared', vlan: '12' }, 'cksv12'],
  ['a shared network without either', { guest_type: 'Shared' }, undefined],
])('%s has the operator’s bridge only where it is shared', (_, more: Partial<NetworkRow>, bridge) => {
  expect(hostNetwork(network(more))).toEqual({ networkId: 'n', networkNumber: 7, ...(bridge && { bridge }) });
});
