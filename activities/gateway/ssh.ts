import { createHash } from 'node:crypto';
import { fault } from '../../workflows/model/fault.js';
import { toDocument } from './document.js';
import type { Gateway } from './driver.js';
import { forcedCommand, type Program } from './forced-command.js';

/** A gateway host that is reached over SSH: its program is `cks-gateway` (`guest/GATEWAY.md`). */
export function sshGateway(program: () => Promise<Program>, signal?: () => AbortSignal | undefined): Gateway {
  const run = forcedCommand(program, signal);
  return {
    ensureAddress: async (networkId, publicAddress) => void (await run(['address', networkId, publicAddress])),
    async apply(network) {
      if (network.outside === null)
        throw fault(
          'HypervisorRefused',
          `network ${network.networkId} has no way outside: its zone needs a public bridge, and a range of public addresses with gateway and netmask`,
        );
      await run(['apply', network.networkId], toDocument(network));
    },
    async holds(network) {
      const answer = JSON.parse(await run(['show', network.networkId])) as { state: string; document?: string };
      const wanted = createHash('sha256').update(toDocument(network)).digest('hex');
      return answer.state === 'applied' && answer.document === wanted;
    },
    ensureAbsent: async (networkId) => void (await run(['remove', networkId])),
  };
}
