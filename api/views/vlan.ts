import type { VlanListRow } from '../../db/vlans.js';
import { responseObject, type Fields } from '../command.js';

export const VLAN = responseObject('vlan', {
  id: ['string', 'the ID of the public address range'],
  zoneid: ['string', 'the Zone ID of the range'],
  startip: ['string', 'the first address of the range'],
  endip: ['string', 'the last address of the range'],
  gateway: ['string', 'the gateway of its network'],
  netmask: ['string', 'the netmask of its network'],
  vlan: ['string', 'the VLAN of its network, or untagged'],
  forvirtualnetwork: ['boolean', 'true: its addresses are those of isolated networks'],
});

export const vlanView = (row: VlanListRow): Fields => ({
  id: row.uuid,
  zoneid: row.data_center_id,
  startip: row.start_ip,
  endip: row.end_ip,
  gateway: row.vlan_gateway,
  netmask: row.vlan_netmask,
  vlan: row.vlan_id,
  forvirtualnetwork: true,
});
