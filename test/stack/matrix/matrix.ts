import type { NodeRole } from '../../../db/rows.js';
import { LISTS } from '../../../workflows/steps/lists.js';
import { OPERATIONS, type OperationKind } from '../../../workflows/model/states.js';
import { expectAgreement, heldRows, NO_TRACES, NOTHING_HELD, tracesOf } from '../facts.js';
import { breakRow, healRows, installRowFaults, rowFaults } from '../row-faults.js';
import type { Job, Stack } from '../stack.js';
import { ACTIONS, isOptional, type Spot } from './actions.js';
import { isFatal, isKill, nameOf, shapeOf, type Case, type Line } from './cases.js';
import { Killer } from './killer.js';
import { doneAgain } from './once.js';
import { FORMS, guests, OWN, RENEWAL, SHAPES, type Form, type Shape, type Subject } from './operations.js';
import { beginRenewal, renewalPlan } from './renewal.js';

/** Seconds of a limit that a hanging step is to meet; an operation's limit is longer where the operation itself takes long. */
const SHORT = 8;
const MANY = 1000;
const SECONDS = 240;
const RIGHT = { jobstatus: 1, jobresultcode: 0 };
const CNI = Buffer.from('#!/bin/bash\ntrue\n').toString('base64');

interface PlanStep {
  title: string;
  skip?: string;
  steps?: PlanStep[];
}
const flat = (steps: PlanStep[]): PlanStep[] => steps.flatMap((one) => (one.steps ? flat(one.steps) : [one]));

/** A cluster of its own, and what it is like. */
interface Lane {
  subject?: Subject;
  form: string;
}
export const newLane = (): Lane => ({ form: '' });

/** Operations and faults on the clusters of one stack. Several lanes work at the same time. */
export class Matrix {
  readonly killer: Killer;
  #named = 0;
  /** Seconds that each operation took unbroken, on this machine beside the others. */
  readonly #took = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly stack: Stack) {
    this.killer = new Killer(stack);
  }

  static async prepare(stack: Stack): Promise<Matrix> {
    installRowFaults(stack);
    const settings = {
      // A failed operation is resumed or cancelled here: the scan shall not find first that the cluster is well again. A whole run takes more
      // than an hour.
      'cks.scan.seconds': '86400',
      'cloud.kubernetes.cluster.upgrade.retries': '0',
      // Comes on top of the limit of a step that stops a machine.
      'cks.machine.stop.timeout': '5',
      'cloud.kubernetes.cluster.experimental.features.enabled': 'true',
      'cks.metadata.policy.namespaces': 'default',
    };
    for (const [name, value] of Object.entries(settings)) await stack.call('updateConfiguration', { name, value });
    await stack.call('registerCniConfiguration', { name: 'matrix', cniconfig: CNI });
    return new Matrix(stack);
  }

  /** One after the other: settings are the zone's, and are taken over when an operation is asked for. */
  #calling<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#last.then(act);
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #good(command: string, parameters: Record<string, string>): Promise<void> {
    const { jobid } = await this.#calling(() => this.stack.call(command, parameters));
    const job = await this.stack.jobEnd(String(jobid), SECONDS);
    expect({ command, ...job }).toMatchObject({ command, ...RIGHT });
  }

  async #new(): Promise<Subject> {
    return Promise.resolve({ id: '', name: `m${++this.#named}` });
  }

  /** A cluster of the form, made from nothing. */
  async #make(form: string): Promise<Subject> {
    const { stack } = this;
    const base = form === 'with a machine in it' ? 'with a machine beside it' : form;
    const { controls, workers, make, parameters } = FORMS[base]!;
    const subject = await this.#new();
    const asked = {
      ...(await stack.createParameters(controls, workers, subject.name)),
      ...(await parameters?.(stack, subject.name)),
    };
    const { id, jobid } = await this.#calling(() => stack.call('createKubernetesCluster', asked));
    expect(await stack.jobEnd(String(jobid), SECONDS)).toMatchObject(RIGHT);
    subject.id = String(id);
    for (const [command, further] of (await make?.(stack, subject)) ?? []) await this.#good(command, further);
    if (base !== form) {
      const { command, parameters: of } = SHAPES['add nodes']!;
      await this.#good(command, { id: subject.id, ...of(stack, subject) });
    }
    return subject;
  }

  /** Gives the lane a cluster that the operation can begin with: its own if that will do. */
  async #ready(lane: Lane, shape: Shape): Promise<Subject> {
    const { subject } = lane;
    if (subject && lane.form === shape.from && (shape.fits?.(this.stack, subject) ?? true)) return subject;
    await this.clear(lane);
    lane.subject = shape.from === '' ? await this.#new() : await this.#make(shape.from);
    lane.form = shape.from;
    return lane.subject;
  }

  /** Deletes the lane's cluster, which must leave nothing. */
  async clear(lane: Lane): Promise<void> {
    const { subject } = lane;
    delete lane.subject;
    lane.form = '';
    if (!subject || subject.id === '') return;
    const { stack } = this;
    const machines = guests(stack, subject);
    const inside = stack.rows('SELECT id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND external_node = 1', subject.id); // prettier-ignore
    if (inside.length > 0) {
      const { command, parameters } = SHAPES['remove nodes']!;
      await this.#good(command, { id: subject.id, ...parameters(stack, subject) });
    }
    for (const { uuid } of machines) await this.#good('destroyVirtualMachine', { id: uuid, expunge: 'true' });
    await this.#good('deleteKubernetesCluster', { id: subject.id });
    await this.#expectGone(subject);
  }

  async #expectGone({ id }: Subject): Promise<void> {
    const [own] = this.stack.rows<{ uuid: string }>(
      'SELECT uuid FROM networks WHERE removed IS NULL AND uuid = ? AND name LIKE ?', this.stack.cluster(id).network_id, `%${OWN}`,
    ); // prettier-ignore
    if (own) await this.#good('deleteNetwork', { id: own.uuid });
    expect(await tracesOf(this.stack, id)).toEqual(NO_TRACES);
    expect({ ...heldRows(this.stack, id), orphans: [], room: [] }).toEqual(NOTHING_HELD);
  }

  async #parameters(shape: Shape, subject: Subject): Promise<Record<string, string>> {
    const own = shape.parameters(this.stack, subject);
    return subject.id === ''
      ? { ...(await this.stack.createParameters(1, 1, subject.name)), ...own }
      : { id: subject.id, ...own };
  }

  #ask(
    { command }: Shape,
    subject: Subject,
    parameters: Record<string, string>,
  ): Promise<{ id?: unknown; jobid?: unknown }> {
    return command === RENEWAL ? beginRenewal(this.stack, subject) : this.stack.call(command, parameters);
  }

  /** Steps of the operation that have work to do, as its plan says. */
  async #plan(shape: Shape, subject: Subject, parameters: Record<string, string>): Promise<string[]> {
    if (shape.command === RENEWAL) return renewalPlan(this.stack, subject);
    const { plan } = await this.stack.call(shape.command, { ...parameters, dryrun: 'true' });
    return flat((plan as { steps: PlanStep[] }).steps).flatMap(({ title, skip }) => (skip ? [] : [title]));
  }

  /** Runs the operation as it should go. Its steps are those of its plan; those of one shape and kind once. */
  async linesOf(operation: string, lane: Lane): Promise<Line[]> {
    const { stack } = this;
    const shape = SHAPES[operation]!;
    const subject = await this.#ready(lane, shape);
    const parameters = await this.#parameters(shape, subject);
    const planned = await this.#plan(shape, subject, parameters);
    const begin = Date.now();
    const { id = subject.id, jobid } = await this.#calling(() => this.#ask(shape, subject, parameters));
    subject.id = String(id);
    expect(await stack.jobEnd(String(jobid), SECONDS)).toMatchObject(RIGHT);
    this.#took.set(operation, (Date.now() - begin) / 1000);
    const steps = stack.steps(stack.operation(subject.id).uuid).filter(({ skip }) => skip === null);
    expect(steps.map(({ title }) => title)).toEqual(planned);
    await this.#expectDone(operation, lane);
    const lines = new Map<string, Line>();
    const seen = new Map<string, number>();
    for (const { title, kind } of steps) {
      const shape = shapeOf(title);
      const nth = seen.get(shape) ?? 0;
      seen.set(shape, nth + 1);
      if (!lines.has(`${shape} ${kind}`)) lines.set(`${shape} ${kind}`, { operation, shape, kind, nth });
    }
    return [...lines.values()];
  }

  /** The cluster is as it is after the operation, and all who know of it agree. */
  async #expectDone(operation: string, lane: Lane): Promise<void> {
    const { kind, to } = SHAPES[operation]!;
    const subject = lane.subject!;
    expect({ operation, state: this.stack.cluster(subject.id).state }).toEqual({ operation, state: OPERATIONS[kind].done }); // prettier-ignore
    if (to === '') {
      await this.#expectGone(subject);
      delete lane.subject;
    } else await this.#expectForm(subject, to);
    lane.form = to;
  }

  async #expectForm({ id }: Subject, form: string): Promise<void> {
    const { controls, workers, larger = [], autoscaled = false } = FORMS[form]!;
    const counts = await expectAgreement(this.stack, id);
    expect({ form, ...counts, ...this.#sizesOf(id) }).toEqual({ form, controls, workers, larger, autoscaled });
  }

  /** What two forms with the same counts are told apart by. */
  #sizesOf(id: string): Pick<Form, 'larger' | 'autoscaled'> {
    const nodes = this.stack.rows<{ role: NodeRole; offering: string }>(
      'SELECT m.role, o.name AS offering FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id JOIN service_offering o ON o.uuid = v.service_offering_id WHERE m.cluster_id = ? AND m.external_node = 0',
      id,
    );
    const isLarge = (role: NodeRole) => {
      const own = nodes.filter((node) => node.role === role);
      return own.length > 0 && own.every(({ offering }) => offering === 'large');
    };
    return {
      larger: (['etcd', 'control', 'worker'] as const).filter(isLarge),
      autoscaled: this.stack.cluster(id).autoscaling_enabled === 1,
    };
  }

  /** Breaks one step of one operation in one way, and expects what the fault matrix expects. */
  async run(lane: Lane, one: Case): Promise<void> {
    try {
      await this.#run(lane, one);
    } catch (error) {
      // What it left is nobody's to work with.
      delete lane.subject;
      lane.form = '';
      throw new Error(nameOf(one), { cause: error });
    }
  }

  async #run(lane: Lane, one: Case): Promise<void> {
    const { operation, shape: wanted, kind, nth, fault, then } = one;
    const { stack } = this;
    const shape = SHAPES[operation]!;
    const subject = await this.#ready(lane, shape);
    const isNew = subject.id === '';
    const parameters = await this.#parameters(shape, subject);
    const title = (await this.#plan(shape, subject, parameters)).filter((each) => shapeOf(each) === wanted)[nth];
    if (title === undefined) throw new Error('the plan has no such step');
    const action = ACTIONS[kind]!;
    const isFailing = isFatal(fault) && !(isOptional(operation, kind) && action !== 'rows');
    const before = isNew ? undefined : stack.cluster(subject.id);
    const madeBefore = (await stack.effects()).length;

    const limits = action === 'rows' ? [LISTS[shape.kind].limit] : action.limits;
    const isBounded = fault === 'hang' || (fault === 'failForGood' && action === 'rows');
    const place = (state: 'running' | 'done', times: number) => breakRow(stack, subject.name, title, state, times);
    // The upgrade of the first control node is two activities: it would be held between them.
    const isHeld = (then === 'cancel' && !isFatal(fault) && kind !== 'node.upgrade.first') || fault === 'killed';
    const jobid = await this.#calling(async () => {
      // Broken where it works once it is reached, since only then the rows tell where that is.
      if (action !== 'rows' && fault !== 'killed') place('running', MANY);
      if (action === 'rows' && fault === 'failForGood') place('running', MANY);
      if (action === 'rows' && fault === 'fail') place('running', 2);
      if (action === 'rows' && fault === 'loseReply' && then === 'resume') place('done', 1);
      if (isHeld || (action === 'rows' && fault === 'hang')) place('done', MANY);
      const setting = async (value: string) => {
        for (const name of limits) await stack.call('updateConfiguration', { name, value });
      };
      const seconds = action === 'rows' ? SHORT + Math.ceil(3 * (this.#took.get(operation) ?? 0)) : SHORT;
      if (isBounded) await setting(String(seconds));
      try {
        const answer = await this.#ask(shape, subject, parameters);
        if (isNew) subject.id = String(answer.id);
        return String(answer.jobid);
      } finally {
        if (isBounded) await setting('900');
      }
    });
    const operationId = stack.operation(subject.id).uuid;
    const left = (state: 'running' | 'done') =>
      rowFaults(
        stack,
        `cluster = '${subject.name}' AND title = '${title.replaceAll("'", "''")}' AND state = '${state}'`,
      );
    const struck = (what: string, look: () => Promise<boolean> | boolean) =>
      stack.until(
        what,
        async () => {
          if (await look()) return true;
          const { ended, reason } = stack.operation(subject.id);
          if (ended !== null) throw new Error(`it ended before ${what}: ${reason}`);
          return false;
        },
        SECONDS,
      );

    let id: number | undefined;
    if (action !== 'rows' && fault !== 'killed') {
      await struck('the step was reached', () => left('running') < MANY);
      const kindOf = fault === 'killedInside' ? 'hang' : fault;
      const times = kindOf === 'hang' ? MANY : kindOf === 'fail' ? 2 : 1;
      const where = action.place(this.#spot(subject, operationId, title), title);
      ({ id } = await stack.breaks({ ...where, kind: kindOf, times }));
      healRows(stack, subject.name, title, 'running');
    }
    const timesLeft = async () => (await stack.faults()).find((each) => each.id === id)?.times ?? 0;
    const stop = () => stack.call('cancelKubernetesClusterOperation', { id: operationId });
    let stopped: string | undefined;

    if (isKill(fault)) {
      await struck('the worker is in the step', async () => fault === 'killed' ? left('done') < MANY : (await timesLeft()) < MANY); // prettier-ignore
      await this.killer.kill(async () => {
        if (id !== undefined) await stack.heals(id);
        if (then === 'cancel') stopped = String((await stop())['jobid']);
        else healRows(stack, subject.name);
      });
    } else if (then === 'cancel' && !isFatal(fault)) {
      await struck('the fault struck', async () => action === 'rows' ? left('done') < MANY : (await timesLeft()) === 0); // prettier-ignore
      stopped = String((await stop())['jobid']);
    }

    const first = await stack.jobEnd(jobid, SECONDS);
    if (action === 'rows' && isBounded) expect(left(fault === 'hang' ? 'done' : 'running')).toBeLessThan(MANY);
    healRows(stack, subject.name);
    if (id !== undefined) {
      if (!isKill(fault)) expect(await timesLeft()).toBeLessThan(fault === 'hang' ? MANY : 1);
      await stack.heals(id);
    }
    const wasCancelled = stopped !== undefined || (isFailing && then === 'cancel');
    let ended: Job = first;
    if (stopped !== undefined) {
      expect(first).toMatchObject({ jobstatus: 2 });
      ended = await stack.jobEnd(stopped, SECONDS);
      expect(stack.steps(operationId).filter(({ state }) => !['done', 'undone', 'skipped', 'pending'].includes(state))).toEqual([]); // prettier-ignore
    } else if (isFailing) {
      expect(first).toMatchObject({ jobstatus: 2, jobresult: { errortext: expect.any(String) } });
      const { state, reason } = stack.cluster(subject.id);
      // A step that is broken in its row ends with the operation's limit, or with its own where that is over first.
      const told =
        action === 'rows'
          ? [LISTS[shape.kind].limit, title]
          : action.isShared
            ? stack.steps(operationId).flatMap((step) => (step.kind === kind ? [step.title] : []))
            : [title];
      expect({ state, reason, told: told.filter((words) => reason?.includes(words)) }).toEqual({
        state: expect.stringMatching(restOf(shape.kind)),
        reason: expect.any(String),
        told: expect.arrayContaining([expect.any(String)]),
      });
      const command = then === 'resume' ? 'resumeKubernetesClusterOperation' : 'cancelKubernetesClusterOperation';
      ended = await stack.run(command, { kubernetesclusterid: subject.id }, SECONDS);
    }
    expect({ ended, left: stack.operation(subject.id).leftovers }).toMatchObject({ ended: RIGHT, left: null });

    if (!wasCancelled) await this.#expectDone(operation, lane);
    else if (before === undefined) {
      expect(stack.cluster(subject.id).state).toBe('Error');
      await this.#expectGone(subject);
      await this.clear(lane);
    } else {
      expect(stack.cluster(subject.id).state).toBe(before.state);
      await this.#expectBack(lane, operation);
    }
    await this.#expectOnce(one, subject, madeBefore);
  }

  /** After a cancel: as before, or, past a point of no return, with what had begun to leave gone. */
  async #expectBack(lane: Lane, operation: string): Promise<void> {
    const { from, to } = SHAPES[operation]!;
    const counts = await expectAgreement(this.stack, lane.subject!.id);
    const fits = [from, to].filter((form) => FORMS[form]?.controls === counts.controls && FORMS[form]?.workers === counts.workers); // prettier-ignore
    expect({ counts, fits }).toEqual({ counts, fits: expect.arrayContaining([expect.any(String)]) });
    // Past a point of no return it may be between the two: another cluster is taken.
    const isMixed = this.stack.cluster(lane.subject!.id).target_version_id !== null;
    // A node that keeps what was staged on it has fewer steps in the next upgrade.
    const isStaged =
      this.stack.rows(
        'SELECT id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND staged_version IS NOT NULL',
        lane.subject!.id,
      ).length > 0;
    const { larger = [], autoscaled = false } = FORMS[from] ?? {};
    const isFrom = JSON.stringify(this.#sizesOf(lane.subject!.id)) === JSON.stringify({ larger, autoscaled });
    const isSure = !isMixed && !isStaged && isFrom && (from === to || fits.includes(from));
    if (isSure) lane.form = from;
    else await this.clear(lane);
  }

  async #expectOnce(one: Case, subject: Subject, from: number): Promise<void> {
    const networkId = String(this.stack.cluster(subject.id).network_id);
    const machines = this.stack.rows<{ instance_name: string; name: string }>(
      'SELECT instance_name, name FROM vm_instance WHERE network_id = ?',
      networkId,
    );
    expect(doneAgain(one, (await this.stack.effects()).slice(from), { machines, networkId })).toEqual([]);
  }

  #spot({ id, name }: Subject, operationId: string, title: string): Spot {
    const { stack } = this;
    const found = /\b(control|worker|etcd)-(\d+)\b/.exec(title);
    const [machine] = found
      ? stack.rows<{ name: string; instance: string }>(
          'SELECT v.name, v.instance_name AS instance FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id WHERE m.cluster_id = ? AND m.role = ? AND m.role_index = ?',
          id,
          found[1],
          Number(found[2]),
        )
      : [];
    const { line } = stack.row<{ line: number }>('SELECT line FROM operation_step WHERE operation_id = ? AND title = ?', operationId, title); // prettier-ignore
    return {
      clusterId: id,
      clusterName: name,
      networkId: String(stack.cluster(id).network_id),
      operationId,
      line,
      node: machine,
    };
  }
}

const restOf = (kind: OperationKind) =>
  kind === 'create' ? /^(Error|Alert)$/ : new RegExp(`^${OPERATIONS[kind].failed}$`);
