import { Harness, type Reply } from './harness.js';

let h: Harness;
let zoneid: string;
beforeAll(async () => {
  h = await Harness.start();
  zoneid = (await h.call('createZone', { name: 'z', networktype: 'Advanced', dns1: '10.0.0.53', guestcidraddress: '10.100.0.0/14', gatewayurl: 'simulator://127.0.0.1:18090/gw' })).content.zone.id as string; // prettier-ignore
});
afterAll(() => h.stop());

const refused = (reply: Reply, status = 431): string => {
  expect([reply.content.errortext, reply.status]).toEqual([reply.content.errortext, status]);
  return String(reply.content.errortext);
};
const add = (startip: string, endip: string, more: Record<string, string> = {}) =>
  h.call('createVlanIpRange', { zoneid, startip, endip, gateway: '203.0.113.1', netmask: '255.255.255.0', ...more });
const addresses = async () =>
  (await h.db('user_ip_address').where({ data_center_id: zoneid }).orderBy('id').pluck('public_ip_address')) as string[]; // prettier-ignore

test('a range gives its zone addresses, is listed, and goes with them while all are free', async () => {
  const made = await add('203.0.113.10', '203.0.113.14', { vlan: '42' });
  expect(made.content.vlan).toMatchObject({ zoneid, startip: '203.0.113.10', endip: '203.0.113.14', gateway: '203.0.113.1', netmask: '255.255.255.0', vlan: '42', forvirtualnetwork: true }); // prettier-ignore
  expect(await addresses()).toEqual([10, 11, 12, 13, 14].map((last) => `203.0.113.${last}`));
  const id = made.content.vlan.id as string;
  expect((await h.call('listVlanIpRanges', { zoneid })).content).toEqual({ count: 1, vlan: [made.content.vlan] });
  await h.db('user_ip_address').where({ public_ip_address: '203.0.113.12', data_center_id: zoneid }).update({ state: 'Allocated' }); // prettier-ignore
  expect(refused(await h.call('deleteVlanIpRange', { id }))).toContain(
    '203.0.113.10-203.0.113.14 is in use: 203.0.113.12',
  );
  expect(await addresses()).toHaveLength(5);
  await h.db('user_ip_address').where({ data_center_id: zoneid }).update({ state: 'Free' });
  expect((await h.call('deleteVlanIpRange', { id })).content).toEqual({ success: true });
  expect([await addresses(), (await h.call('listVlanIpRanges', { zoneid })).content]).toEqual([[], {}]);
});

test('ranges of a zone do not overlap each other, their gateways or its guest range', async () => {
  expect((await add('203.0.113.20', '203.0.113.29')).status).toBe(200);
  expect(refused(await add('203.0.113.29', '203.0.113.40'))).toContain('overlaps 203.0.113.20-203.0.113.29, which zone z has already'); // prettier-ignore
  expect(refused(await add('203.0.113.2', '203.0.113.4', { gateway: '203.0.113.25' }))).toContain('The gateway 203.0.113.25 is one of the addresses 203.0.113.20-203.0.113.29'); // prettier-ignore
  expect(refused(await add('203.0.113.1', '203.0.113.4', { gateway: '203.0.113.9' }))).toContain('holds 203.0.113.1, the gateway of'); // prettier-ignore
  expect(refused(await add('10.101.0.2', '10.101.0.9', { gateway: '10.101.0.1' }))).toContain('overlaps 10.100.0.0/14, the guest range of zone z'); // prettier-ignore
  expect(refused(await add('198.18.0.2', '198.18.16.2', { gateway: '198.18.0.1', netmask: '255.254.0.0' }))).toContain('at most 4096 (a /20)'); // prettier-ignore
  expect(refused(await add('203.0.113.x', ''))).toContain('startip must be an IPv4 address');
  expect(refused(await add('203.0.113.2', '203.0.113.4', { forvirtualnetwork: 'false' }))).toContain('forvirtualnetwork must be true'); // prettier-ignore
  expect(refused(await add('203.0.113.2', '203.0.113.4', { vlan: "1'2" }))).toContain('vlan must be of letters');
  expect(await addresses()).toHaveLength(10);
});

test('addresses that a zone has without a range are not given to it twice', async () => {
  const known = await h
    .db('user_ip_address')
    .where({ vlan_id: null })
    .first<{ public_ip_address: string; data_center_id: string }>('public_ip_address', 'data_center_id');
  const startip = known.public_ip_address;
  const gateway = startip.replace(/\d+$/, '254');
  const reply = await add(startip, startip, { zoneid: known.data_center_id, gateway });
  expect(refused(reply)).toContain(`holds ${startip}, which zone sim-1 has already`);
});

test('the largest range is added whole', async () => {
  const made = await add('198.18.0.2', '198.18.16.1', { gateway: '198.18.0.1', netmask: '255.254.0.0' });
  expect(made.status).toBe(200);
  const rows = await h.db('user_ip_address').where({ vlan_id: made.content.vlan.id as string });
  expect(rows).toHaveLength(4096);
});
