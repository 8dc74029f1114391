/** IPv4 arithmetic for networks and their nodes. */
export const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
export const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

export interface Cidr {
  base: number;
  bits: number;
}

export function parseCidr(text: string): Cidr {
  const [address = '', bits = ''] = text.split('/');
  return { base: toNumber(address), bits: Number(bits) };
}

export const netmaskOf = (bits: number): string => toAddress(2 ** 32 - 2 ** (32 - bits));

/** The first address is the gateway's; nodes begin at the tenth, so that an operator has room for his own machines. */
export const gatewayOf = (cidr: string): string => toAddress(parseCidr(cidr).base + 1);

export function* nodeAddresses(cidr: string): Generator<string> {
  const { base, bits } = parseCidr(cidr);
  for (let i = 10; i < 2 ** (32 - bits) - 1; i++) yield toAddress(base + i);
}

/** A locally administered MAC address that follows from network and address, so that two machines never share one. */
export function macOf(networkNumber: number, address: string): string {
  const parts = [
    Math.floor(networkNumber / 256) % 256,
    networkNumber % 256,
    ...address.split('.').slice(2).map(Number),
  ];
  return ['1e', '00', ...parts.map((part) => part.toString(16).padStart(2, '0'))].join(':');
}
