import type { Knex } from 'knex';
import { gatewayOf, netmaskOf, parseCidr, toAddress } from '../workflows/model/addresses.js';
import { fault } from '../workflows/model/fault.js';
import { cidrsOverlap, operatorsBridge, zoneBridge, type GuestRange } from '../workflows/model/network-rules.js';
import type { NetworkRow, ZoneRow } from './rows.js';

/** Where a zone chooses, a network is a /22 of its guest range. */
const NETWORK_BITS = 22;

type Present = Pick<NetworkRow, 'network_number' | 'cidr' | 'guest_type' | 'bridge' | 'vlan'>;
interface Taken extends GuestRange {
  number: number;
}

export interface WantedRange {
  range?: GuestRange | undefined;
  /** Of a shared network: the bridge that each host has. */
  bridge?: string | null;
}

/**
 * A number and a range for a new network of the zone: the range that was asked for, or one that the zone chooses. In network mode `bridge` all
 * networks share one layer 2, on which an address is one machine's only, so ranges never meet there (`BadParameter`,
 * `AddressesExhausted`). Elsewhere equal ranges do not meet, since each network has a bridge and a namespace of its own.
 */
export async function takeRange(trx: Knex.Transaction, zone: ZoneRow, wanted: WantedRange = {}): Promise<Taken> {
  // One at a time per zone: two networks that are made at once must not choose the same number.
  await trx('data_center').where({ uuid: zone.uuid }).forUpdate().first('uuid');
  // A machine that was given up may come back with its host, on the bridge of its network: until it is removed nobody else gets that.
  const lost = trx('vm_instance').where({ state: 'Destroyed' }).whereNull('removed').select('network_id');
  const present = await trx('networks')
    .where({ data_center_id: zone.uuid })
    .where((held) => void held.whereNotNull('active_number').orWhereIn('uuid', lost))
    .select<Present[]>('network_number', 'cidr', 'guest_type', 'bridge', 'vlan');
  const used = new Set(present.map(({ network_number }) => network_number));
  const own = zoneBridge(zone);
  const shares = own !== null && (wanted.bridge ?? own) === own;
  // Shared networks of one bridge may be parts of one range (`checkShared`).
  const isBeside = (other: Present) => (operatorsBridge(other) ?? own) === own && !(wanted.bridge && other.guest_type === 'Shared'); // prettier-ignore
  const beside = shares ? present.filter(isBeside) : [];
  const met = (cidr: string) => beside.find((other) => cidrsOverlap(other.cidr, cidr));

  if (wanted.range) {
    const other = met(wanted.range.cidr);
    if (other)
      throw fault(
        'BadParameter',
        `The range ${wanted.range.cidr} overlaps ${other.cidr} of another network of zone ${zone.name}: in network mode bridge all of them share the bridge ${own}. Choose another range`,
      );
    let number = 1;
    while (used.has(number)) number++;
    return { ...wanted.range, number };
  }

  const { base, bits } = parseCidr(zone.guest_cidr);
  const most = 2 ** (NETWORK_BITS - bits);
  // Past the zone's range its ranges are used again, where they do not meet.
  const cidrOf = (number: number) => `${toAddress(base + (number % most) * 2 ** (32 - NETWORK_BITS))}/${NETWORK_BITS}`;
  let number = 1;
  while (used.has(number) || (number <= most && met(cidrOf(number)))) number++;
  if (shares && number > most)
    throw fault(
      'AddressesExhausted',
      `zone ${zone.name} has no range left for a network: its guest range ${zone.guest_cidr} holds ${most}, and in network mode bridge all of them share one bridge. Delete networks, or make another zone`,
    );
  const cidr = cidrOf(number);
  return { number, cidr, gateway: gatewayOf(cidr), netmask: netmaskOf(NETWORK_BITS) };
}
