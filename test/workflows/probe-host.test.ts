import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { probe } from '../../workflows/client.js';
import { fault } from '../../workflows/model/fault.js';
import { TemporalFixture } from '../fakes/temporal.js';

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start(fileURLToPath(new URL('../../workflows/probe-host.ts', import.meta.url)));
}, 120_000);
afterAll(() => temporal?.stop());

const facts = { hypervisor: 'KVM', arch: 'x86_64', cpus: 4, ramMb: 8192 };

test('a caller gets what a worker saw: of a host, and of an SSH server', async () => {
  const asked: unknown[] = [];
  const activities = {
    readHostFacts: (id: string) => Promise.resolve(void asked.push(id)).then(() => facts),
    readHostKey: (at: object) => Promise.resolve(void asked.push(at)).then(() => ({ key: 'k', fingerprint: 'f' })),
  };
  await temporal.withWorker(activities, async () => {
    expect(await probe(temporal.env.client, randomUUID(), { hostId: 'h1' })).toEqual({ facts });
    const at = { address: 'kvm1', port: 22 };
    expect(await probe(temporal.env.client, randomUUID(), at)).toEqual({ key: 'k', fingerprint: 'f' });
  });
  expect(asked).toEqual(['h1', { address: 'kvm1', port: 22 }]);
});

test('a look that failed ends in the fault that the worker found, after one attempt', async () => {
  let attempts = 0;
  const readHostFacts = () => {
    attempts++;
    return Promise.reject(fault('HostUnreachable', 'kvm1 does not answer: connection refused'));
  };
  await temporal.withWorker({ readHostFacts }, async () => {
    await expect(probe(temporal.env.client, randomUUID(), { hostId: 'h1' })).rejects.toMatchObject({
      type: 'HostUnreachable',
      message: 'kvm1 does not answer: connection refused',
    });
  });
  expect(attempts).toBe(1);
});

test('without a worker the caller is told so, in time', async () => {
  await expect(probe(temporal.env.client, randomUUID(), { hostId: 'h1' })).rejects.toMatchObject({
    type: 'HostUnreachable',
    message: expect.stringContaining('no worker looked at it within 30 s') as string,
  });
}, 60_000);
