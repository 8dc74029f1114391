import type { GatewayNetwork } from '../../activities/gateway/driver.js';
import { Underlay } from '../../lab/network/underlay.js';
import { anAuthority, type Authority } from './certificates.js';
import { apply, balancer, forward, open, served, shutDown, until, wholeState } from './networks.js';
import * as networks from './networks.js';

/** A zone of mode `bridge`: one bridge that the operator made on both hosts and on the gateway, all networks of the zone on it. */
const BRIDGE = 'br0';
const address = '203.0.113.10';
const [one, two] = ['10.1.1.10', '10.1.1.11'] as const;

let zone: Underlay;
let authority: Authority;
let network: GatewayNetwork;

const aNetwork = (name: string, number: number, at: string, change: Partial<GatewayNetwork>, third = 1) =>
  networks.aNetwork(zone, name, number, at, change, { bridge: BRIDGE, peers: [], cidr: `10.1.${third}.0/24`, gateway: `10.1.${third}.1` }); // prettier-ignore
const answering = (name: string) => ({ name, ports: [22, 80], tls: [{ port: 6443, key: authority.key, cert: authority.cert }] }); // prettier-ignore
/** A machine that was too busy to answer the balancer's checks in time is out for a second: what is asked is that both serve. */
const bothServe = (from = 'out') =>
  until(`both serve ${from}`, 10, async () => (await served(zone, address, 4, from)).size === 2);

beforeAll(async () => {
  zone = await Underlay.start();
  authority = anAuthority();
  await zone.addOperatorsBridge(BRIDGE);
  network = aNetwork('net', 7, address, {
    openings: [open(address, 2222, 2223), open(address, 6443)],
    forwards: [forward(address, 2222, one, 22), forward(address, 2223, two, 22), forward(address, 4000, one, 22)],
    balancers: [balancer(address, 7, [one, two], authority.ca)],
  });
  await apply(zone, network);
  await zone.addMachine('one', 'a', BRIDGE, one, answering('one'));
  await zone.addMachine('two', 'b', BRIDGE, two, answering('two'));
});
afterAll(() => zone?.stop());

test('nodes on both hosts reach each other, full frames included, and the public 6443 from inside', async () => {
  expect((await zone.ask('one', `http://${two}/big`))?.length).toBe(300_000);
  expect((await zone.ask('two', `http://${one}/big`))?.length).toBe(300_000);
  await bothServe();
  for (const node of ['one', 'two']) {
    await bothServe(node);
    expect(await zone.ask(node, `http://${address}:2222/`)).toBe('one');
    expect(await zone.ask(node, `http://${address}:2223/`)).toBe('two');
  }
});

test('ports that are open answer, and everything else does not', async () => {
  expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
  expect(await zone.ask('out', `http://${address}:2223/`)).toBe('two');
  await bothServe();
  // 4000 is forwarded and not opened, the others are neither.
  const closed = [22, 80, 2224, 4000].map((port) => `http://${address}:${port}/`);
  expect(await zone.silent('out', ...closed)).toEqual(closed);
});

test('a tenant beside it has another range of the same bridge, and reaches this one as a stranger does', async () => {
  const their = '203.0.113.20';
  const theirs = aNetwork('theirs', 8, their, { openings: [open(their, 2222)], forwards: [forward(their, 2222, '10.1.2.10', 22)] }, 2); // prettier-ignore
  await apply(zone, theirs);
  await zone.addMachine('their-one', 'b', BRIDGE, '10.1.2.10', { name: 'their-one', ports: [22, 80] });
  expect(await zone.ask('out', `http://${their}:2222/`)).toBe('their-one');
  expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
  const direct = [`http://${one}/`, `http://${two}/`];
  expect(await zone.silent('their-one', ...direct)).toEqual(direct);
  expect(await zone.ask('their-one', `http://${address}:2223/`)).toBe('two');
  expect(await zone.silent('their-one', `http://${address}:4000/`)).toEqual([`http://${address}:4000/`]);
  expect((await zone.gateway(['remove', theirs.networkId])).code).toBe(0);
});

test('the same again changes nothing: no rule, no counter, no process', async () => {
  await zone.ask('out', `http://${address}:4000/`);
  const before = await wholeState(zone, network);
  expect(before[0]).toMatch(/counter packets [1-9]/);
  await apply(zone, network);
  await apply(zone, { ...network, forwards: [...network.forwards].reverse() });
  expect(await wholeState(zone, network)).toEqual(before);
});

test('a dead control node is out of the balancer in under 5 s', async () => {
  await zone.in('one', ['ip', 'link', 'set', 'eth0', 'down']);
  const seconds = await until('only the other answers', 10, async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => served(zone, address, 1)));
    return answers.every((answer) => answer.has('two'));
  });
  expect(seconds).toBeLessThan(5);
  await zone.in('one', ['ip', 'link', 'set', 'eth0', 'up']);
  await zone.in('one', ['ip', 'route', 'replace', 'default', 'via', '10.1.1.1']);
  await bothServe();
});

test('everything is there again after a boot, and nothing after it is removed but the bridge', async () => {
  await shutDown(zone, network);
  // The kernel takes a namespace's links away some time after the namespace.
  await until(
    'the gateway is gone',
    10,
    async () => (await zone.silent('out', `http://${address}:2222/`)).length === 1,
  );
  expect(await zone.gateway(['restore'])).toMatchObject({ code: 0 });
  expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
  expect(await zone.ask('out', `http://${address}:2223/`)).toBe('two');
  await bothServe();
  expect((await zone.gateway(['remove', network.networkId])).code).toBe(0);
  expect(await zone.traces()).toEqual([]);
  expect(await zone.in('gw', ['ip', '-o', 'link', 'show', 'type', 'bridge'])).toContain(`${BRIDGE}:`);
  expect(await zone.ask('one', `http://${two}/`)).toBe('two');
});
