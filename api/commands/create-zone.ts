import { addZone } from '../../db/zones.js';
import { fault } from '../../workflows/model/fault.js';
import { DEFAULT_GUEST_CIDR, isAddress, isCidr } from '../../workflows/model/address-range.js';
import { parseProgramUrl } from '../../workflows/model/host-url.js';
import { badLabel, badToken } from '../../workflows/model/labels.js';
import { ADMIN, command, object } from '../command.js';
import { readKeys, SSH_KEYS } from '../host-keys.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { ZONE, zoneView } from '../views/zone.js';

const LARGEST_GUEST_PREFIX = 22;
const MODES = ['bridge', 'vxlan'];
/** Names of network devices in Linux. */
const DEVICE_LENGTH = 15;

export const createZone = command({
  name: 'createZone',
  description: 'Creates a Zone',
  roles: ADMIN,
  params: {
    name: p.string({ description: 'the name of the Zone', required: true }),
    networktype: p.string({ description: 'network type of the zone: Advanced is the only one', required: true }),
    dns1: p.string({ description: 'the first DNS for the Zone', required: true }),
    guestcidraddress: p.string({ description: `the guest CIDR address for the Zone; default: ${DEFAULT_GUEST_CIDR}` }),
    allocationstate: p.string({ description: 'Enabled (default) or Disabled' }),
    hypervisor: p.string({ description: 'the hypervisor of its hosts: KVM (default), LXC. An extension' }),
    gatewayurl: p.string({
      description: 'where the gateway program of the zone answers: ssh://USER@HOST. An extension',
      required: true,
    }),
    networkmode: p.string({
      description: 'how hosts are joined: bridge (default; made by the operator) or vxlan. An extension',
    }),
    bridge: p.string({ description: 'the bridge of machines, for networkmode bridge. An extension' }),
    publicbridge: p.string({ description: "the bridge of the gateway's public side. An extension" }),
    internalcidr: p.string({ description: 'the range of the hosts of the zone. An extension' }),
    ...SSH_KEYS,
  },
  response: ZONE,
  async handler(ctx, asked) {
    const { guestcidraddress = DEFAULT_GUEST_CIDR, networkmode = 'bridge', hypervisor = 'KVM' } = asked;
    const gateway = parseProgramUrl(asked.gatewayurl);
    const problem =
      badLabel('name', asked.name) ??
      badChoice('networktype', asked.networktype, ['Advanced']) ??
      badChoice('networkmode', networkmode, MODES) ??
      badChoice('allocationstate', asked.allocationstate ?? 'Enabled', ['Enabled', 'Disabled']) ??
      badToken('hypervisor', hypervisor, 20) ??
      (isAddress(asked.dns1) ? undefined : `dns1 must be an IPv4 address, found "${asked.dns1.slice(0, 60)}"`) ??
      badCidr('guestcidraddress', guestcidraddress, LARGEST_GUEST_PREFIX) ??
      (asked.internalcidr === undefined ? undefined : badCidr('internalcidr', asked.internalcidr, 32)) ??
      (asked.bridge === undefined ? undefined : badToken('bridge', asked.bridge, DEVICE_LENGTH)) ??
      (asked.publicbridge === undefined ? undefined : badToken('publicbridge', asked.publicbridge, DEVICE_LENGTH));
    if (problem !== undefined) throw fault('BadParameter', problem);
    if ('problem' in gateway) throw fault('BadParameter', `gatewayurl: ${gateway.problem}`);
    const { secrets } = await readKeys(ctx, asked, gateway);
    const row = await addZone(
      ctx.db,
      ctx.sealer,
      {
        name: asked.name,
        hypervisor,
        gateway_url: gateway.url,
        guest_cidr: guestcidraddress,
        network_mode: networkmode.toLowerCase(),
        enabled: asked.allocationstate?.toLowerCase() !== 'disabled',
        dns1: asked.dns1,
        bridge: asked.bridge ?? null,
        public_bridge: asked.publicbridge ?? null,
        internal_cidr: asked.internalcidr ?? null,
        secrets,
      },
      operatorOf(ctx),
    );
    if (!row) throw fault('BadParameter', `A zone named ${asked.name} exists already`);
    return object(zoneView(row, true));
  },
});

const badChoice = (what: string, text: string, choices: readonly string[]): string | undefined =>
  choices.some((each) => each.toLowerCase() === text.toLowerCase())
    ? undefined
    : `${what} must be ${choices.join(' or ')}, found "${text.slice(0, 60)}"`;

const badCidr = (what: string, text: string, largest: number): string | undefined =>
  isCidr(text) && Number(text.split('/')[1]) <= largest
    ? undefined
    : `${what} must be an IPv4 range such as ${DEFAULT_GUEST_CIDR} with a prefix of ${largest} at most and nothing set behind it, found "${text.slice(0, 60)}"`;
