/** One network on its gateway, rendered whole: applying it twice changes nothing, and what is not in it is taken away. */
export interface GatewayNetwork {
  networkId: string;
  networkNumber: number;
  cidr: string;
  gateway: string;
  publicAddress: string;
  /** Public TCP ports that the firewall lets in. */
  open: { from: number; to: number }[];
  forwards: { publicPort: number; address: string; port: number }[];
  balancers: { name: string; publicPort: number; port: number; members: string[] }[];
}

export interface Gateway {
  /** Public address confirmed as held by this network. */
  ensureAddress(networkId: string, publicAddress: string): Promise<void>;
  apply(network: GatewayNetwork): Promise<void>;
  /** Takes the network, its rules and its address away. */
  ensureAbsent(networkId: string): Promise<void>;
}
