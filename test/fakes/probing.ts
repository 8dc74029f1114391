import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { hostActivities } from '../../activities/hosts.js';
import type { HostFacts, Hypervisor } from '../../activities/hypervisor/driver.js';
import type { HostRow } from '../../db/rows.js';
import type { Sealer } from '../../db/secret.js';
import { fault } from '../../workflows/model/fault.js';
import type { ProbeAnswer, ProbeRequest } from '../../workflows/model/probe.js';

/** A Temporal client whose looks at hosts are done at once by the real activities; the hosts themselves are played. */
export class Probing {
  facts: HostFacts = { hypervisor: 'Simulator', arch: 'x86_64', cpus: 16, ramMb: 65536 };
  /** Hosts whose URL holds this text do not answer. */
  silent = 'silent';
  readonly asked: ProbeRequest[] = [];

  constructor(private readonly world: () => { db: Knex; sealer: Sealer }) {}

  readonly client = {
    workflow: {
      execute: async (_type: string, { args }: { args: [ProbeRequest] }): Promise<ProbeAnswer> => {
        const [asked] = args;
        this.asked.push(asked);
        const looks = hostActivities({ ...this.world(), openHypervisor: (host) => this.#open(host) });
        return 'hostId' in asked ? { facts: await looks.readHostFacts(asked.hostId) } : looks.readHostKey(asked);
      },
    },
  } as unknown as Client;

  #open({ url }: HostRow): Hypervisor {
    return {
      readFacts: () =>
        url.includes(this.silent)
          ? Promise.reject(fault('HostUnreachable', `${url} does not answer: connection refused`))
          : Promise.resolve(this.facts),
    } as Hypervisor;
  }
}
