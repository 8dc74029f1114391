import type { NetworkRow } from '../../db/rows.js';
import { operatorsBridge } from '../../workflows/model/network-rules.js';
import type { HostNetwork } from './driver.js';

/** A network as the drivers of hosts know it. */
export function hostNetwork(network: NetworkRow): HostNetwork {
  const bridge = operatorsBridge(network);
  return {
    networkId: network.uuid,
    networkNumber: network.network_number,
    ...(bridge !== null && { bridge }),
  };
}
