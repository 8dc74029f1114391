import type { AsyncCommand } from 'fast-check';
import { workflowIdOf } from '../../../workflows/model/operation.js';
import { OPERATIONS as RULES } from '../../../workflows/model/states.js';
import { expectAgreement, expectGone, NO_TRACES, tracesOf } from '../facts.js';
import type { Job } from '../stack.js';
import {
  deploy,
  guestsOf,
  NONE,
  versionsAfter,
  type Call,
  type Model,
  type Operation,
  type Subject,
} from './operations.js';
import { describeTrouble, kill, loseTemporal, mayFail, type Then, type Trouble } from './troubles.js';

const SECONDS = 120;
const RIGHT = { jobstatus: 1, jobresultcode: 0 };
const WRONG = { jobstatus: 2, jobresultcode: 530 };

type Command = AsyncCommand<Model, Subject>;

async function good({ stack }: Subject, [command, parameters]: Call): Promise<void> {
  expect({ command, ...(await stack.run(command, parameters, SECONDS)) }).toMatchObject({ command, ...RIGHT });
}

/** The rows, the zone, the gateway and Kubernetes tell the same of the cluster, and it is as the model says. */
async function expectAs(subject: Subject, model: Model): Promise<void> {
  const { stack, id } = subject;
  if (model.state === 'none') return expectGone(stack, id);
  const { state } = stack.cluster(id);
  const { controls, workers } = model;
  expect({ state, ...(await expectAgreement(stack, id)) }).toEqual({ state: model.state, controls, workers });
}

/** One operation with one trouble, seen through to where the cluster is in order again. */
export class Act implements Command {
  constructor(
    readonly operation: Operation,
    readonly trouble: Trouble,
  ) {}

  check = (model: Readonly<Model>) => this.operation.fits(model);
  toString = () =>
    this.trouble.what === 'nothing' ? this.operation.name : `${this.operation.name}: ${describeTrouble(this.trouble)}`;

  async run(model: Model, subject: Subject): Promise<void> {
    const { operation, trouble } = this;
    const { stack } = subject;
    subject.say(this.toString());
    const before = { ...model };
    const after = { ...model, ...operation.after(model) };
    if (trouble.what === 'fault' && trouble.point) {
      const { kind, point } = trouble;
      const [on, match] = point;
      await stack.breaks({ on, match, kind, times: kind === 'fail' ? 2 : 1 });
    }
    const [command, parameters] = await operation.call(subject);
    const answer = await stack.call(command, parameters);
    if (operation.kind === 'create') subject.id = String(answer['id']);
    const jobid = String(answer['jobid']);
    const { uuid } = stack.operation(subject.id);
    const cancelled = await this.#trouble(subject, uuid);
    const job = await stack.jobEnd(jobid, SECONDS);
    await stack.heals();

    if (job.jobstatus === 1) Object.assign(model, after);
    else if (cancelled !== undefined) {
      expect(job).toMatchObject(WRONG);
      expect(await stack.jobEnd(cancelled, SECONDS)).toMatchObject(RIGHT);
      await this.#wasCancelled(model, subject, before, after);
    } else await this.#failed(model, subject, before, after, job);
    if (model.state === 'Running') model.upgrades = versionsAfter(subject).length;
    expect(stack.operation(subject.id).leftovers).toBeNull();
    await expectAs(subject, model);
  }

  /** Lets the trouble come at its step. Answers the job of a cancel that still found the operation at work. */
  async #trouble({ stack, id }: Subject, operationId: string): Promise<string | undefined> {
    const { trouble } = this;
    if (!('after' in trouble)) return undefined;
    const isOver = () => stack.operation(id).ended !== null;
    await stack.until('so many steps are over', () => {
      const over = stack.steps(operationId).filter(({ state }) => state === 'done').length;
      return over >= trouble.after || isOver() || String(over);
    }, SECONDS, 2); // prettier-ignore
    if (trouble.what === 'killed') await kill(stack, trouble.part);
    else if (trouble.what === 'Temporal lost') await loseTemporal(stack);
    else if (trouble.what === 'terminated')
      await (await stack.client()).workflow.getHandle(workflowIdOf(operationId)).terminate('a property').catch(unlessOver(isOver)); // prettier-ignore
    else if (trouble.what === 'paused') {
      const asked = await stack.run('pauseKubernetesClusterOperation', { id: operationId }).catch(unlessOver(isOver));
      if (asked !== undefined) await stack.run('resumeKubernetesClusterOperation', { id: operationId }).catch(unlessOver(isOver)); // prettier-ignore
    } else if (this.operation.kind !== 'delete') {
      const asked = await stack.call('cancelKubernetesClusterOperation', { id: operationId }).catch(unlessOver(isOver));
      return asked && String(asked['jobid']);
    }
    return undefined;
  }

  async #failed(model: Model, subject: Subject, before: Model, after: Model, job: Job): Promise<void> {
    const { stack, id } = subject;
    const { kind } = this.operation;
    if (!mayFail(this.trouble)) throw new Error(`it failed: ${JSON.stringify(job['jobresult'])}`);
    expect(job).toMatchObject(WRONG);
    const { state, reason } = stack.cluster(id);
    expect({ state, reason }).toEqual({
      state: expect.stringMatching(kind === 'create' ? /^(Error|Alert)$/ : `^${RULES[kind].failed}$`) as string,
      reason: expect.stringMatching(/./) as string,
    });
    const then: Then =
      kind === 'delete'
        ? 'resume'
        : this.trouble.then === 'delete' && guestsOf(subject).length > 0
          ? 'cancel'
          : this.trouble.then;
    if (then === 'delete') {
      await good(subject, ['deleteKubernetesCluster', { id }]);
      Object.assign(model, NONE);
    } else if (then === 'cancel') {
      await good(subject, ['cancelKubernetesClusterOperation', { kubernetesclusterid: id }]);
      await this.#wasCancelled(model, subject, before, after);
    } else {
      await good(subject, ['resumeKubernetesClusterOperation', { kubernetesclusterid: id }]);
      Object.assign(model, after);
    }
  }

  /** After a cancel it is as before, or, past a point of no return, what had begun to leave is gone and what was new is there. */
  async #wasCancelled(model: Model, subject: Subject, before: Model, after: Model): Promise<void> {
    const { stack, id } = subject;
    const { state, control_node_count: controls, node_count: workers } = stack.cluster(id);
    if (before.state === 'none') {
      expect(state).toBe('Error');
      expect(await tracesOf(stack, id)).toEqual(NO_TRACES);
      await good(subject, ['deleteKubernetesCluster', { id }]);
      return;
    }
    expect([before, after].map((one) => [one.controls, one.workers])).toContainEqual([controls, workers]);
    const inside = stack.rows('SELECT id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND external_node = 1', id).length > 0; // prettier-ignore
    const large = stack.row<{ name: string }>('SELECT o.name FROM kubernetes_cluster c JOIN service_offering o ON o.uuid = c.service_offering_id WHERE c.uuid = ?', id).name === 'large'; // prettier-ignore
    Object.assign(model, before, { controls, workers, large, ...(before.guest !== 'none' && { guest: inside ? 'inside' : 'beside' }) }); // prettier-ignore
  }
}

/** Asked for too late: the operation was over. Anything else is what went wrong. */
const unlessOver = (isOver: () => boolean) => (error: unknown) => {
  if (!isOver()) throw error;
  return undefined;
};

/** A user makes a machine in the cluster's network. */
export class Deploy implements Command {
  check = ({ state, guest }: Readonly<Model>) => state === 'Running' && guest === 'none';
  toString = () => 'a user makes a machine';
  async run(model: Model, subject: Subject): Promise<void> {
    await good(subject, deploy(subject));
    model.guest = 'beside';
    await expectAs(subject, model);
  }
}

/** A user deletes the machine that is in the cluster's network, and not in the cluster. */
export class Destroy implements Command {
  check = ({ guest }: Readonly<Model>) => guest === 'beside';
  toString = () => 'a user deletes the machine';
  async run(model: Model, subject: Subject): Promise<void> {
    for (const id of guestsOf(subject)) await good(subject, ['destroyVirtualMachine', { id, expunge: 'true' }]);
    model.guest = 'none';
    await expectAs(subject, model);
  }
}
