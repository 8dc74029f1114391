import { CREATE_SECONDS, type LabCluster } from './cluster.js';
import { labRandom } from './random.js';
import { sleep } from './world.js';

/** Storms of one case: one blows through each of its operations. */
export class Storms {
  kills = 0;
  cuts = 0;
  private readonly random: () => number;

  constructor(
    private readonly cluster: LabCluster,
    private readonly say: (line: string) => void,
  ) {
    this.random = labRandom(say);
  }

  /** The operation of this job succeeds all the same. */
  async through(what: string, job: string): Promise<void> {
    const storm = new Storm(this.cluster, this.random);
    await this.cluster.succeeds(job, 2 * CREATE_SECONDS).finally(() => storm.stop());
    this.kills += storm.kills;
    this.cuts += storm.cuts;
    this.say(`${what}: the worker was killed ${storm.kills} times, ${storm.cuts} connections were cut`);
  }

  /** One kill, in a step of this kind, which is too short for a storm to meet it. */
  async killIn(kind: string, what: string, job: string): Promise<void> {
    await this.cluster.reaches(job, kind);
    await this.cluster.world.kill('worker');
    this.kills++;
    await this.cluster.succeeds(job, CREATE_SECONDS);
    this.say(`${what}: the worker was killed in ${kind}`);
  }
}

/** The worker is killed at random moments, and in between all SSH connections to the cluster's nodes are cut. */
class Storm {
  kills = 0;
  cuts = 0;
  private lasts = true;
  private readonly passed: Promise<void>;

  constructor(
    private readonly cluster: LabCluster,
    private readonly random: () => number,
  ) {
    this.passed = this.blow();
    this.passed.catch(() => undefined); // told by stop()
  }

  /** Ends it; throws what went wrong in it. */
  async stop(): Promise<void> {
    this.lasts = false;
    await this.passed;
  }

  /** From 6 to 16 s lie between two kills: a worker that has just come up is hit, too, and one that had time to do something. */
  private async blow(): Promise<void> {
    const { cluster, random } = this;
    while (this.lasts) {
      await sleep(3000 + 5000 * random());
      if (!this.lasts) return;
      for (const machine of cluster.machines()) this.cuts += await cluster.cutSsh(machine);
      await sleep(3000 + 5000 * random());
      if (!this.lasts) return;
      this.kills += (await cluster.world.kill('worker').then(() => 1, () => 0)); // 0: it was just being started again
    }
  } // prettier-ignore
}
