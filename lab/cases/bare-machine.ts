import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_PAIR, putMedium, type Machine } from '../node-calls.js';
import type { Verbs } from './verbs.js';

/**
 * What only a bare machine lets be seen: `install` where there is nothing, a dedicated etcd, and a control node that joins. The connection of
 * each is cut, and the same again changes nothing. The machine is gone afterwards.
 */
export async function proveOnBareMachine(verbs: Verbs, version: string): Promise<void> {
  const { cluster, calls, control } = verbs;
  const name = `bare-${version.replaceAll('.', '-')}`;
  const machine = { ...(await cluster.deployMachine(name, { keypair: KEY_PAIR })), role: 'control' };
  await calls.put(machine);
  putMedium(cluster.world, machine, version);
  const cutAndAgain = async (subcommand: string, values: Record<string, string> = {}) => {
    await calls.cut(machine, subcommand, verbs.key(subcommand), values);
    await calls.unchanged(machine, `${subcommand} again`, () => calls.call(machine, subcommand, verbs.key(subcommand), values)); // prettier-ignore
  };
  const members = async (asked: Machine) =>
    (await calls.call(asked, 'etcd', verbs.key('etcd'), { action: 'health' })).result;
  const healthy = (...names: string[]) => ({
    members: names.map((name) => ({ name, healthy: true })),
    quorum: true,
  });

  await cutAndAgain('install', { version, role: 'control' });
  const certificate_key = randomBytes(32).toString('hex');
  await calls.call(control, 'share', verbs.key('share'), { certificate_key });
  await cutAndAgain('join', { ...(await verbs.joinValues(machine)), role: 'control', certificate_key });
  assert.equal(cluster.kubeadmBegins(machine).join, 1, `kubeadm join on ${machine.name}`);
  await cluster.kubectl('wait', '--for=condition=Ready', `node/${machine.name}`, '--timeout=180s');
  const both = (await members(control)) as { members: { name: string }[] };
  both.members.sort((a, b) => (a.name === control.name ? -1 : b.name === control.name ? 1 : 0));
  assert.deepEqual(both, healthy(control.name, machine.name), 'etcd with the control node that joined');

  await calls.call(control, 'etcd', verbs.key('etcd'), { action: 'remove', member: machine.name });
  await cutAndAgain('reset');
  await cluster.kubectl('delete', 'node', machine.name);
  assert.deepEqual(await members(control), healthy(control.name), 'etcd without the control node that left');

  await calls.call(machine, 'install', verbs.key('install'), { version, role: 'etcd' });
  await cutAndAgain('etcd', member(cluster.world.folder, machine));
  assert.deepEqual(await members(machine), healthy(machine.name), 'a dedicated etcd of one member');
  await cluster.change('destroyVirtualMachine', { id: machine.uuid, expunge: 'true' });
}

/** The values of `etcd install` for a cluster of this one member, with a CA of its own. */
function member(folder: string, { name, ip_address: address }: Machine): Record<string, string> {
  const at = (file: string) => join(folder, `${name}-etcd`, file);
  mkdirSync(at('.'), { recursive: true, mode: 0o700 });
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=etcd-ca', '-days', '30'); // prettier-ignore
  writeFileSync(at('ext'), `subjectAltName=IP:${address},DNS:${name}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  openssl('req', ...newKey, '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`);
  openssl('x509', '-req', '-in', at('csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30', '-extfile', at('ext'), '-out', at('crt')); // prettier-ignore
  const base64 = (file: string) => readFileSync(at(file)).toString('base64');
  return {
    action: 'install', name, address, members: `${name}=https://${address}:2380`, ca: base64('ca.crt'), cert: base64('crt'), key: base64('key'),
  }; // prettier-ignore
}
