import { textOf } from '../../workflows/model/fault.js';
import type { NodeContext } from '../../db/nodes.js';
import type { Deps } from '../deps.js';
import { hostNetwork } from '../hypervisor/host-network.js';
import { startMachine } from '../hypervisor/machine-parts.js';
import { within } from '../within.js';

/** Milliseconds until a machine that does not answer is looked at, and between two looks. */
const FIRST_MS = 5000;
const NEXT_MS = 15_000;
/** A host that hangs must not hold up the wait. */
const ANSWER_MS = 5000;

/**
 * What a wait does now and then for a machine that does not answer: one that went off by itself, since its guest's first program ended or its
 * kernel panicked, is started again; else it would be waited for until the limit. A user's own machine is left as it is. Answers how often in words,
 * empty for never. A host that cannot be asked is no reason to end the wait.
 */
export function startAgain(
  { openHypervisor, log }: Deps,
  { vm, host, node, network }: NodeContext,
): () => Promise<string> {
  let due = Date.now() + FIRST_MS;
  let times = 0;
  const look = async () => {
    const hypervisor = openHypervisor(host);
    const domain = (await within(ANSWER_MS, () => hypervisor.listDomains())).find(
      ({ name }) => name === vm.instance_name,
    );
    if (domain?.state !== 'shut off') return;
    await startMachine(hypervisor, vm.instance_name, hostNetwork(network));
    times++;
    log.warn({ machine: vm.name, host: host.name }, 'a machine went off by itself and was started again');
  };
  return async () => {
    if (node.external_node === 0 && Date.now() >= due) {
      due = Date.now() + NEXT_MS;
      await look().catch((error: unknown) => log.warn({ machine: vm.name, error: textOf(error) }, 'could not see whether a machine is on')); // prettier-ignore
    }
    return times === 0 ? '' : `; it went off by itself and was started again${times === 1 ? '' : ` ${times} times`}`;
  };
}
