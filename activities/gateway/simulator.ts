import { type Signal, simulatorCall } from '../hypervisor/simulator-call.js';
import { type Gateway, ordered } from './driver.js';

/** The gateway host of the simulated zone, `simulator://127.0.0.1:PORT/gateway`. */
export function simulatorGateway(url: string, signal?: Signal): Gateway {
  const call = simulatorCall(url, 'gateways', { failed: 'GatewayFailed', refused: 'HypervisorRefused' }, signal);
  const ensure = async (action: string, body: object): Promise<void> => {
    await call(action, body);
  };
  return {
    ensureAddress: (networkId, publicAddress) => ensure('gateway.address', { networkId, publicAddress }),
    apply: (network) => ensure('gateway.apply', ordered(network)),
    holds: async (network) => (await call<{ held: boolean }>('gateway.read', ordered(network))).held,
    ensureAbsent: (networkId) => ensure('gateway.delete', { networkId }),
  };
}
