import { toDocument } from '../../activities/gateway/document.js';
import type { GatewayNetwork } from '../../activities/gateway/driver.js';
import { anAuthority, type Authority } from './certificates.js';
import { Underlay } from '../../lab/network/underlay.js';
import * as networks from './networks.js';
import { ANY, balancer, forward, open, PEERS, shutDown, tcp, until, wholeState } from './networks.js';

/** Real packets: the programs of `guest/` on hosts that are network namespaces. */
let zone: Underlay;
let authority: Authority;
let other: Authority;

const aNetwork = (name: string, number: number, address: string, change: Partial<GatewayNetwork> = {}) =>
  networks.aNetwork(zone, name, number, address, change);
const apply = (network: GatewayNetwork) => networks.apply(zone, network);
const served = (address: string, times: number, from?: string) => networks.served(zone, address, times, from);
const join = async (host: string, number: number) => zone.fabric(host, 'ensure', String(number), ...PEERS);

beforeAll(async () => {
  zone = await Underlay.start();
  [authority, other] = [anAuthority(), anAuthority()];
});
afterAll(() => zone?.stop());

describe('one cluster on two hosts', () => {
  const address = '203.0.113.10';
  const one = '10.1.1.10';
  const two = '10.1.1.11';
  let network: GatewayNetwork;
  const api = (from = authority) => [{ port: 6443, key: from.key, cert: from.cert }];

  beforeAll(async () => {
    network = aNetwork('net', 7, address, {
      openings: [open(address, 2222, 2223), open(address, 6443), open(address, 3000, 3010, '198.51.100.0/24')],
      forwards: [forward(address, 2222, one, 22), forward(address, 2223, two, 22), forward(address, 3000, one, 22), forward(address, 4000, one, 22)],
      balancers: [balancer(address, 7, [one, two], authority.ca)],
    }); // prettier-ignore
    await apply(network);
    for (const host of ['a', 'b']) await join(host, 7);
    await zone.addMachine('one', 'a', 'cks7', one, { name: 'one', ports: [22, 80], tls: api() });
    await zone.addMachine('two', 'b', 'cks7', two, { name: 'two', ports: [22, 80], tls: api() });
  });

  it('nodes reach each other on both hosts, full frames included', async () => {
    expect(await zone.ask('one', `http://${two}/`)).toBe('two');
    expect((await zone.ask('one', `http://${two}/big`))?.length).toBe(300_000);
    expect((await zone.ask('two', `http://${one}/big`))?.length).toBe(300_000);
  });

  it('forwards and the balancer answer outside, and nothing else does', async () => {
    expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
    expect(await zone.ask('out', `http://${address}:2223/`)).toBe('two');
    // A health check that is late on a busy machine takes a node out for a second.
    await until('both behind the balancer', 10, async () => {
      const found = await served(address, 6);
      return found.size === 2 && found.has('one') && found.has('two');
    });
    // 3000 is for another sender, 4000 is forwarded and not opened, 80 and 22 are neither.
    const closed = [22, 80, 2224, 3000, 4000].map((port) => `http://${address}:${port}/`);
    expect(await zone.silent('out', ...closed)).toEqual(closed);
  });

  it('nodes reach the public address from inside: the balancer, each other and themselves (report 24)', async () => {
    for (const node of ['one', 'two']) {
      expect([...(await served(address, 2, node))].every((answer) => answer !== undefined)).toBe(true);
      expect(await zone.ask(node, `http://${address}:2222/`)).toBe('one');
      expect(await zone.ask(node, `http://${address}:2223/`)).toBe('two');
    }
  });

  it('nodes reach the outside under the public address', async () => {
    await zone.answer('out', { name: 'outside', ports: [80] });
    expect(await zone.ask('one', 'http://203.0.113.1/from')).toBe(address);
    zone.silence('out');
  });

  it('nodes and their pods do not reach the metadata server of the platform that the gateway runs on', async () => {
    await zone.in('out', ['ip', 'address', 'add', '169.254.169.254/32', 'dev', 'lo']);
    await zone.answer('out', { name: 'metadata', ports: [80] });
    expect(await zone.ask('out', 'http://169.254.169.254/')).toBe('metadata');
    expect(await zone.silent('one', 'http://169.254.169.254/')).toEqual(['http://169.254.169.254/']);
    expect(await zone.ask('one', 'http://203.0.113.1/')).toBe('metadata');
    zone.silence('out');
  });

  it('the same again changes nothing: no rule, no counter, no process', async () => {
    await zone.ask('out', `http://${address}:4000/`);
    const before = await wholeState(zone, network);
    expect(before[0]).toMatch(/counter packets [1-9]/);
    await apply(network);
    await apply({ ...network, forwards: [...network.forwards].reverse() });
    expect(await wholeState(zone, network)).toEqual(before);
  });

  it('a further forward leaves connections of the others alone (report 11)', async () => {
    const download = zone.ask('out', `http://${address}:2222/big`, '--limit-rate', '150K');
    await apply({ ...network, openings: [...network.openings, open(address, 5000)], forwards: [...network.forwards, forward(address, 5000, two, 80)] }); // prettier-ignore
    expect(await zone.ask('out', `http://${address}:5000/`)).toBe('two');
    expect((await download)?.length).toBe(300_000);
    await apply(network);
    expect(await zone.silent('out', `http://${address}:5000/`)).toEqual([`http://${address}:5000/`]);
  });

  it('a member in drain gets no new connection, and serves again afterwards', async () => {
    await apply({ ...network, balancers: [balancer(address, 7, [one, two], authority.ca, [one])] });
    expect(await served(address, 6)).toEqual(new Set(['two']));
    await apply(network);
    await until('both serve', 10, async () => (await served(address, 4)).size === 2);
  });

  it('a dead control node is out of the balancer in under 5 s (report 23)', async () => {
    zone.silence('one');
    const seconds = await until('only the other answers', 10, async () => {
      const answers = await served(address, 6);
      return answers.size === 1 && answers.has('two');
    });
    expect(seconds).toBeLessThan(5);
    await zone.answer('one', { name: 'one', ports: [22, 80], tls: api() });
    await until('it is back', 10, async () => (await served(address, 4)).size === 2);
    // Cut off, so that it does not even refuse.
    await zone.in('one', ['ip', 'link', 'set', 'eth0', 'down']);
    const silent = await until('only the other answers', 10, async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => served(address, 1)));
      return answers.every((answer) => answer.has('two'));
    });
    expect(silent).toBeLessThan(5);
    await zone.in('one', ['ip', 'link', 'set', 'eth0', 'up']);
    await zone.in('one', ['ip', 'route', 'replace', 'default', 'via', '10.1.1.1']);
    await until('it is back', 10, async () => (await served(address, 4)).size === 2);
  });

  it('whoever shows the certificate of another authority is no member', async () => {
    await zone.answer('one', { name: 'one', ports: [22, 80], tls: api(other) });
    await until('only the other answers', 10, async () => {
      const answers = await served(address, 6);
      return answers.size === 1 && answers.has('two');
    });
    await zone.answer('one', { name: 'one', ports: [22, 80], tls: api() });
    await until('it is back', 10, async () => (await served(address, 4)).size === 2);
  });

  it('an equal range of another tenant does not meet this one', async () => {
    const theirs = aNetwork('theirs', 8, '203.0.113.20', {
      openings: [open('203.0.113.20', 2222)],
      forwards: [forward('203.0.113.20', 2222, one, 22)],
    });
    await apply(theirs);
    await join('b', 8);
    await zone.addMachine('their-one', 'b', 'cks8', one, { name: 'their-one', ports: [22, 80] });
    expect(await zone.ask('out', 'http://203.0.113.20:2222/')).toBe('their-one');
    expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
    expect(await zone.silent('their-one', `http://${two}/`)).toEqual([`http://${two}/`]);
    // By the public address they meet as strangers do.
    expect(await zone.ask('their-one', `http://${address}:2223/`)).toBe('two');
    expect(await zone.silent('their-one', `http://${address}:4000/`)).toEqual([`http://${address}:4000/`]);
    expect((await zone.gateway(['remove', theirs.networkId])).code).toBe(0);
  });

  it('what goes out can be denied, but for exceptions', async () => {
    await zone.answer('out', { name: 'outside', ports: [80, 81] });
    const except = [{ ...tcp, from: 81, to: 81, source: ANY, destination: '203.0.113.0/24' }];
    await apply({ ...network, egress: { policy: 'deny', except } });
    expect(await zone.silent('one', 'http://203.0.113.1/')).toEqual(['http://203.0.113.1/']);
    expect(await zone.ask('one', 'http://203.0.113.1:81/')).toBe('outside');
    await apply({ ...network, egress: { policy: 'allow', except } });
    expect(await zone.ask('one', 'http://203.0.113.1/')).toBe('outside');
    expect(await zone.silent('one', 'http://203.0.113.1:81/')).toEqual(['http://203.0.113.1:81/']);
    zone.silence('out');
    await apply(network);
  });

  it('a deleted rule and a dead balancer are seen, and mended by the same again', async () => {
    const state = async () =>
      (JSON.parse((await zone.gateway(['show', network.networkId])).stdout) as { state: string }).state;
    expect(await state()).toBe('applied');
    await zone.in('gw', [
      'nsenter',
      `--net=/run/netns/cks-${network.networkId}`,
      'nft',
      'flush',
      'chain',
      'ip',
      'cks',
      'prerouting',
    ]);
    expect(await state()).toBe('differs');
    await apply(network);
    expect(await state()).toBe('applied');
    const pids = (await zone.in('gw', ['ip', 'netns', 'pids', `cks-${network.networkId}`])).trim().split('\n');
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    await until('seen', 5, async () => (await state()) === 'differs');
    await apply(network);
    expect(await state()).toBe('applied');
    expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
    await until('both serve', 10, async () => (await served(address, 4)).size === 2);
  });

  it('everything is there again after a boot', async () => {
    await shutDown(zone, network, 'cks7', 'cksx7');
    await zone.in('a', ['ip', 'link', 'del', 'cksx7']);
    expect(await zone.silent('out', `http://${address}:2222/`)).toEqual([`http://${address}:2222/`]);
    expect(await zone.gateway(['restore'])).toMatchObject({ code: 0 });
    await zone.fabric('a', 'restore');
    expect(await zone.ask('out', `http://${address}:2222/`)).toBe('one');
    expect(await zone.ask('out', `http://${address}:2223/`)).toBe('two');
    await until('both serve', 10, async () => (await served(address, 4)).size === 2);
  });

  it('an address that goes to another network is found there at once', async () => {
    const [from, to] = [aNetwork('from', 11, '203.0.113.30'), aNetwork('to', 12, '203.0.113.31')];
    const icmp = (publicAddress: string) => ({ publicAddress, protocol: 'icmp' as const, from: -1, to: -1, cidr: ANY });
    const moving = '203.0.113.32';
    const with1 = (network: GatewayNetwork) => ({ ...network, publicAddresses: [...network.publicAddresses, moving], openings: [icmp(moving)], balancers: [balancer(moving, network.tiers[0]!.networkNumber, [])] }); // prettier-ignore
    const neighbour = async () => /lladdr (\S+)/.exec(await zone.in('out', ['ip', 'neigh', 'show', moving]))?.[1];
    await apply(with1(from));
    await zone.ask('out', `http://${moving}:6443/`);
    const before = await neighbour();
    expect(before).toBeDefined();
    await apply(from);
    await apply(with1(to));
    await until('announced', 2, async () => (await neighbour()) !== before);
    for (const { networkId } of [from, to]) await zone.gateway(['remove', networkId]);
  });

  it('leaves nothing when it is removed', async () => {
    for (const name of ['one', 'two']) zone.silence(name);
    expect(await zone.traces()).not.toEqual([]);
    expect((await zone.gateway(['remove', network.networkId])).code).toBe(0);
    expect(await zone.traces()).toEqual([]);
    expect(await zone.silent('out', `http://${address}:2222/`)).toEqual([`http://${address}:2222/`]);
    expect((await zone.gateway(['remove', network.networkId])).code).toBe(0);
    expect((await zone.gateway(['list'])).stdout).toBe('');
    // Machines of the hosts are still on their bridges, which so stay.
    expect(await zone.fabric('a', 'remove', '7')).toContain('"removed":false');
    expect(await zone.fabric('gw', 'list')).toBe('');
  });
});

describe('a VPC with two tiers', () => {
  const address = '203.0.113.40';
  const rule = { ...tcp, direction: 'in' as const, action: 'allow' as const };

  it('lets in by the ACL of each tier, from outside and from the other tier', async () => {
    const networkId = `${zone.mark}-vpc`;
    const tier = (networkNumber: number, third: number) => ({
      networkId: `${networkId}-${networkNumber}`, networkNumber, cidr: `10.2.${third}.0/24`, gateway: `10.2.${third}.1`, bridge: null, peers: [],
    }); // prettier-ignore
    const front = { ...tier(21, 1), acl: [{ ...rule, from: 22, to: 22, cidr: ANY }] };
    const back = {
      ...tier(22, 2),
      acl: [
        { ...rule, action: 'deny' as const, from: 81, to: 81, cidr: ANY },
        { ...rule, from: 80, to: 82, cidr: '10.2.1.0/24' },
      ],
    };
    const vpc = aNetwork('vpc', 21, address, {
      tiers: [front, back],
      forwards: [forward(address, 2222, '10.2.1.10', 22), forward(address, 2280, '10.2.1.10', 80), forward(address, 2322, '10.2.2.10', 22)],
      balancers: [{ ...balancer(address, 21, ['10.2.1.10']), port: 80 }],
    }); // prettier-ignore
    await apply(vpc);
    await zone.addMachine('front', 'gw', 'cks21', '10.2.1.10', { name: 'front', ports: [22, 80] });
    await zone.addMachine('back', 'gw', 'cks22', '10.2.2.10', { name: 'back', ports: [22, 80, 81] });
    expect(await zone.ask('out', `http://${address}:2222/`)).toBe('front');
    const closed = [2280, 2322, 6443].map((port) => `http://${address}:${port}/`);
    expect(await zone.silent('out', ...closed)).toEqual(closed);
    expect(await zone.ask('front', 'http://10.2.2.10/')).toBe('back');
    expect(await zone.silent('front', 'http://10.2.2.10:81/')).toEqual(['http://10.2.2.10:81/']);
    expect(await zone.silent('back', 'http://10.2.1.10/')).toEqual(['http://10.2.1.10/']);
    expect(await zone.ask('back', 'http://10.2.1.10:22/')).toBe('front');
    await apply({
      ...vpc,
      tiers: [{ ...front, acl: [...front.acl, { ...rule, from: 6443, to: 6443, cidr: ANY }] }, back],
    });
    await until('the balancer answers', 5, async () => (await zone.ask('out', `http://${address}:6443/`)) === 'front');
    // A tier that is in it no more goes with its bridge's cable.
    await apply({ ...vpc, tiers: [front], forwards: vpc.forwards.slice(0, 1), balancers: [] });
    expect(await zone.silent('front', 'http://10.2.2.10/')).toEqual(['http://10.2.2.10/']);
    expect(await zone.in('gw', ['ip', '-o', 'link'])).not.toContain('cksg22');
    for (const name of ['front', 'back']) zone.removeMachine(name);
    await zone.gateway(['remove', vpc.networkId]);
    await zone.fabric('gw', 'remove', '22');
    expect(await zone.traces()).toEqual([]);
  });
});

describe('what the gateway refuses', () => {
  const refused = async (text: string, words = ['apply', `${zone.mark}-bad`]) => {
    const { code, stderr } = await zone.gateway(words, text);
    expect(code).toBe(2);
    return stderr;
  };

  it('a network that was cut off on its way, and leaves no trace of it', async () => {
    const whole = toDocument(aNetwork('bad', 31, '203.0.113.50'));
    for (const length of [0, 10, whole.length - 5])
      expect(await refused(whole.slice(0, length))).toMatch(/cut off|words|the call is for/);
    expect(await zone.traces()).toEqual([]);
  });

  it('values that could mean more than themselves', async () => {
    const bad = (network: Partial<GatewayNetwork>) => toDocument(aNetwork('bad', 31, '203.0.113.50', network));
    const at = '203.0.113.50';
    expect(await refused(bad({ outside: { bridge: 'a;reboot', prefix: 24, gateway: '203.0.113.1' } }))).toMatch(
      /character/,
    );
    expect(await refused(bad({ openings: [open(at, 1, 70000)] }))).toMatch(/protocol/);
    expect(await refused(bad({ openings: [open('203.0.113.51', 22)] }))).toMatch(/not an address of this network/);
    expect(await refused(bad({ forwards: [forward(at, 22, '10.1.1.300', 22)] }))).toMatch(/no IPv4 address/);
    expect(await refused(bad({ openings: [open(at, 22, 22, '10.0.0.0/8} accept')] }))).toMatch(/character/);
    expect(await refused('include /etc/shadow\nend\n')).toMatch(/not a word/);
    for (const id of ['../x', 'addresses', 'A', '']) expect(await refused('', ['apply', id])).toMatch(/id has|usage/);
    expect(await zone.traces()).toEqual([]);
  });

  it('a host without the public bridge', async () => {
    const network = aNetwork('bad', 31, '203.0.113.50', {
      outside: { bridge: 'nowhere', prefix: 24, gateway: '203.0.113.1' },
    });
    const { code, stderr } = await zone.gateway(['apply', network.networkId], toDocument(network));
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('no bridge nowhere') });
    await zone.gateway(['remove', network.networkId]);
    expect(await zone.traces()).toEqual([]);
  });
});
