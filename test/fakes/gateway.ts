import type { Gateway, GatewayNetwork } from '../../activities/gateway/driver.js';
import { toDocument } from '../../activities/gateway/document.js';
import { fault } from '../../workflows/model/fault.js';

/** A gateway host in memory. */
export class FakeGateway implements Gateway {
  readonly networks = new Map<string, GatewayNetwork>();
  /** Public address → network that holds it. */
  readonly addresses = new Map<string, string>();
  applied = 0;
  /** Runs in the middle of the next applications, one each. */
  readonly meanwhile: (() => Promise<unknown>)[] = [];

  ensureAddress(networkId: string, publicAddress: string): Promise<void> {
    const holder = this.addresses.get(publicAddress) ?? networkId;
    if (holder !== networkId)
      return Promise.reject(fault('HypervisorRefused', `${publicAddress} belongs to ${holder}`));
    this.addresses.set(publicAddress, networkId);
    return Promise.resolve();
  }

  async apply(network: GatewayNetwork): Promise<void> {
    this.applied++;
    await this.meanwhile.shift()?.();
    for (const address of network.publicAddresses) await this.ensureAddress(network.networkId, address);
    this.networks.set(network.networkId, network);
  }

  holds(network: GatewayNetwork): Promise<boolean> {
    const found = this.networks.get(network.networkId);
    return Promise.resolve(found !== undefined && toDocument(found) === toDocument(network));
  }

  ensureAbsent(networkId: string): Promise<void> {
    this.networks.delete(networkId);
    for (const [address, holder] of this.addresses) if (holder === networkId) this.addresses.delete(address);
    return Promise.resolve();
  }
}
