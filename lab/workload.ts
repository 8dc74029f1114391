import assert from 'node:assert/strict';
import type { LabCluster } from './cluster.js';
import { sleep } from './world.js';

/** A workload with a disruption budget, watched all the time: how many of its pods are ready at least. */
export class BudgetedWorkload {
  fewest: number;
  looks = 0;
  private watching = true;
  private readonly watched: Promise<void>;

  private constructor(
    private readonly cluster: LabCluster,
    readonly replicas: number,
  ) {
    this.fewest = replicas;
    this.watched = this.watch();
  }

  /** Leaves the pods ready, of which all but one have to stay so. */
  static async start(cluster: LabCluster, replicas: number): Promise<BudgetedWorkload> {
    await cluster.apply(manifest(replicas));
    await cluster.kubectl('rollout', 'status', 'deployment/steady', '--timeout=240s');
    return new BudgetedWorkload(cluster, replicas);
  }

  /** Ends the watch; throws when pods were fewer than the budget, or hardly looked at. */
  async stayed(say: (line: string) => void): Promise<void> {
    await this.stop();
    const { fewest, looks, replicas, budget } = this;
    say(`at least ${fewest} of ${replicas} pods were ready in ${looks} looks`);
    assert(looks > 5 && fewest >= budget, `${fewest} pods were ready, the budget is ${budget}`);
  }

  get budget(): number {
    return this.replicas - 1;
  }

  /** A look that gets no answer, while the only API server is away, says nothing about the pods. */
  private async watch(): Promise<void> {
    while (this.watching) {
      const text = await this.cluster
        .kubectl('get', 'pods', '-l', 'app=steady', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')
        .catch(() => undefined);
      if (text !== undefined) {
        this.looks++;
        this.fewest = Math.min(this.fewest, text.split(' ').filter((word) => word === 'True').length);
      }
      await sleep(400);
    }
  } // prettier-ignore

  private async stop(): Promise<void> {
    this.watching = false;
    await this.watched;
    await this.cluster.kubectl('delete', 'deployment/steady', 'poddisruptionbudget/steady', '--timeout=90s');
  }
}

const manifest = (replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: steady}}}]
      containers:
        - name: steady
          image: lab.cks/busybox:lab
          command: [/bin/busybox, sleep, '360000']
          readinessProbe: {exec: {command: [/bin/busybox, 'true']}, periodSeconds: 2}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: steady}
spec: {minAvailable: ${replicas - 1}, selector: {matchLabels: {app: steady}}}
`;
