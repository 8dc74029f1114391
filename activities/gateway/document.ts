import type { GatewayNetwork } from './driver.js';
import { ordered } from './driver.js';

const ANY = '-';
const list = (items: readonly string[]) => (items.length === 0 ? ANY : items.join(','));

/** A network as lines, the form that `cks-gateway apply` takes (`guest/GATEWAY.md`). The same network is the same text. */
export function toDocument(network: GatewayNetwork): string {
  const { networkId, outside, tiers, publicAddresses, openings, egress, forwards, balancers } = ordered(network);
  const lines: (string | number)[][] = [['network', networkId]];
  if (outside) lines.push(['public', outside.bridge, outside.prefix, outside.gateway]);
  for (const tier of tiers) {
    const guard = tier.acl === null ? 'firewall' : 'acl';
    lines.push(['tier', tier.networkNumber, tier.cidr, tier.gateway, tier.bridge ?? ANY, list(tier.peers), guard]);
  }
  for (const address of publicAddresses) lines.push(['address', address]);
  lines.push(['egress', egress.policy]);
  for (const one of egress.except) lines.push(['except', one.protocol, one.from, one.to, one.source, one.destination]);
  for (const { networkNumber, acl } of tiers)
    for (const rule of acl ?? [])
      lines.push(['acl', networkNumber, rule.direction, rule.action, rule.protocol, rule.from, rule.to, rule.cidr]);
  for (const one of openings) lines.push(['open', one.publicAddress, one.protocol, one.from, one.to, one.cidr]);
  for (const one of forwards)
    lines.push(['forward', one.publicAddress, one.protocol, one.publicPort, one.publicEndPort, one.address, one.port]);
  for (const one of balancers) {
    const at = [one.publicAddress, one.publicPort];
    const check = one.check === null ? 'tcp' : 'readyz';
    lines.push(['balancer', ...at, one.port, one.algorithm, check, one.networkNumber, list(one.cidrs)]);
    for (const { address, draining } of one.members)
      lines.push(['member', ...at, address, draining ? 'drain' : 'serve']);
    if (one.check) lines.push(['authority', ...at, Buffer.from(one.check.ca).toString('base64')]);
  }
  return [...lines, ['end']].map((words) => `${words.join(' ')}\n`).join('');
}
