import type { RestingGateway } from '../../db/resting-gateways.js';
import { readGatewayFacts } from '../../db/rules.js';
import type { Deps } from '../deps.js';
import { applyNetworkRows } from '../networks.js';
import { renderGateway } from './render.js';

/** An isolated network, or a VPC by one of its tiers. */
type Ref = Pick<RestingGateway, 'networkId' | 'vpcId'>;

/** What gateways have beside what rows say, whoever made the network and whatever runs in it; for the scan and the doctor. */
export const gatewayDrift = ({ db, openGateway }: Pick<Deps, 'db' | 'openGateway'>) => {
  const read = ({ networkId, vpcId }: Ref) => readGatewayFacts(db, vpcId === null ? { networkId } : { vpcId });

  return {
    /** Whether the gateway has something else than the rows say, or what it has does not work. */
    async hasDrifted(ref: Ref): Promise<boolean> {
      const facts = await read(ref);
      if (!facts || facts.networks.length === 0 || facts.addresses.length === 0) return false;
      return !(await openGateway(facts.zone).holds(await renderGateway(db, facts)));
    },

    /** Has the gateway hold what the rows say. */
    async repair(ref: Ref): Promise<void> {
      const facts = await read(ref);
      if (!facts) return;
      await applyNetworkRows({ db, openGateway }, ref);
      // A delete may have begun and ended meanwhile: what it took away must not be left there again.
      if (!(await read(ref))) await openGateway(facts.zone).ensureAbsent(facts.id);
    },
  };
};
