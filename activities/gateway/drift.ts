import type { RestingGateway } from '../../db/resting-gateways.js';
import { gatewayFacts, readGatewayFacts, readGatewayRows, type GatewayFacts, type GatewayRef } from '../../db/rules.js';
import type { Deps } from '../deps.js';
import { applyNetworkRows } from '../networks.js';
import { readSurroundings, renderGateway, renderIn } from './render.js';

/** An isolated network, or a VPC by one of its tiers. */
type Ref = Pick<RestingGateway, 'networkId' | 'vpcId'>;

const refOf = ({ networkId, vpcId }: Ref): GatewayRef => (vpcId === null ? { networkId } : { vpcId });
/** Something is to be on the gateway. */
const isOn = (facts: GatewayFacts | undefined): facts is GatewayFacts =>
  facts !== undefined && facts.networks.length > 0 && facts.addresses.length > 0;

/** What gateways have beside what rows say, whoever made the network and whatever runs in it; for the scan and the doctor. */
export const gatewayDrift = ({ db, openGateway }: Pick<Deps, 'db' | 'openGateway'>) => {
  const read = (ref: Ref) => readGatewayFacts(db, refOf(ref));

  /** Whether the gateway has something else than the rows say, or what it has does not work. */
  async function hasDrifted(ref: Ref): Promise<boolean> {
    const facts = await read(ref);
    return isOn(facts) && !(await openGateway(facts.zone).holds(await renderGateway(db, facts)));
  }

  return {
    hasDrifted,

    /** The same for any of these, whose rows are read at once. One that seems to have drifted is looked at anew: its rows may have changed since. */
    async among(refs: readonly Ref[]): Promise<(ref: Ref) => Promise<boolean>> {
      const rows = await readGatewayRows(db, refs.map(refOf));
      const facts = new Map(refs.map((ref) => [ref, gatewayFacts(rows, refOf(ref))]));
      const around = await readSurroundings(db, [...facts.values()].filter(isOn));
      return async (ref) => {
        const own = facts.get(ref);
        return isOn(own) && !(await openGateway(own.zone).holds(renderIn(around, own))) && hasDrifted(ref);
      };
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
