export type Protocol = 'tcp' | 'udp' | 'icmp' | 'all';

/** tcp and udp: first and last port. icmp: type and code, -1 for any. all: 0 and 0. */
export interface Service {
  protocol: Protocol;
  from: number;
  to: number;
}

export interface AclRule extends Service {
  direction: 'in' | 'out';
  action: 'allow' | 'deny';
  cidr: string;
}

export interface Tier {
  networkId: string;
  /** Unique per zone: the bridge is `cks<number>`, unless `bridge` names one that the operator made. */
  networkNumber: number;
  cidr: string;
  gateway: string;
  bridge: string | null;
  /** Hosts that the bridge is joined to by VXLAN; empty: it is on this host only. */
  peers: string[];
  /**
   * Null: `openings` of the public addresses say what comes in (isolated network). Else these, in this order, for all that enters or leaves the
   * tier; what none matches may leave but not enter (tier of a VPC).
   */
  acl: AclRule[] | null;
}

export interface Opening extends Service {
  publicAddress: string;
  cidr: string;
}

export interface Forward {
  publicAddress: string;
  protocol: 'tcp' | 'udp';
  publicPort: number;
  publicEndPort: number;
  address: string;
  port: number;
}

export interface Balancer {
  publicAddress: string;
  /** What people call it; not unique. */
  name: string;
  publicPort: number;
  port: number;
  algorithm: 'roundrobin' | 'leastconn' | 'source';
  /** Of the tier that its members are in. */
  networkNumber: number;
  /** Who may come, beside what openings or ACLs say; empty: anyone. */
  cidrs: string[];
  /** A draining member gets no new connection. */
  members: { address: string; draining: boolean }[];
  /** `ca`: members must answer 200 to `/readyz` with a certificate of this authority (PEM). Null: they must accept connections. */
  check: { ca: string } | null;
}

/**
 * Everything of one namespace: an isolated network, or a VPC with its tiers. Applying it twice changes nothing, and what is not in
 * it is taken away.
 */
export interface GatewayNetwork {
  /** Of the network or the VPC: the name of the namespace. */
  networkId: string;
  /** How it reaches the outside; null where the gateway knows by itself. */
  outside: { bridge: string; prefix: number; gateway: string } | null;
  tiers: Tier[];
  /** The first is the source NAT address. */
  publicAddresses: string[];
  openings: Opening[];
  egress: { policy: 'allow' | 'deny'; except: (Service & { source: string; destination: string })[] };
  forwards: Forward[];
  balancers: Balancer[];
}

export interface Gateway {
  /** Public address confirmed as held by this network. */
  ensureAddress(networkId: string, publicAddress: string): Promise<void>;
  apply(network: GatewayNetwork): Promise<void>;
  /** Whether the gateway has exactly this, and it works as it was applied. */
  holds(network: GatewayNetwork): Promise<boolean>;
  /** Takes the network, its rules and its addresses away. */
  ensureAbsent(networkId: string): Promise<void>;
}

/** The same rules in another order are the same network. Where the order decides (addresses, ACLs), it stays. */
export function ordered(network: GatewayNetwork): GatewayNetwork {
  const sorted = <T>(list: readonly T[], ...keys: ((item: T) => string | number)[]) =>
    [...list].sort((a, b) => {
      const key = keys.find((one) => one(a) !== one(b));
      return key === undefined ? 0 : key(a) < key(b) ? -1 : 1;
    });
  const text = (item: object) => JSON.stringify(item);
  return {
    ...network,
    tiers: sorted(network.tiers, ({ networkNumber }) => networkNumber).map((tier) => ({
      ...tier,
      peers: sorted(tier.peers, (peer) => peer),
    })),
    openings: sorted(
      network.openings,
      ({ publicAddress }) => publicAddress,
      ({ from }) => from,
      text,
    ),
    egress: { ...network.egress, except: sorted(network.egress.except, text) },
    forwards: sorted(
      network.forwards,
      ({ publicAddress }) => publicAddress,
      ({ publicPort }) => publicPort,
      text,
    ),
    balancers: sorted(
      network.balancers,
      ({ publicAddress }) => publicAddress,
      ({ publicPort }) => publicPort,
    ).map((one) => ({
      ...one,
      members: sorted(one.members, ({ address }) => address),
      cidrs: sorted(one.cidrs, (cidr) => cidr),
    })),
  };
}
