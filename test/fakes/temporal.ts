import { randomUUID } from 'node:crypto';
import { defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { behaviourOptions, readTemporalSettings } from '../../scripts/temporal-settings.js';
import { findTemporal } from '../../scripts/temporal.js';
import type { OperationInput } from '../../workflows/model/operation.js';
import { TASK_QUEUE } from '../../workflows/model/operation.js';
import { fileURLToPath } from 'node:url';

/** A real Temporal server and the real workflows, for suites that play the activities. */
export class TemporalFixture {
  private constructor(
    readonly env: TestWorkflowEnvironment,
    private readonly bundle: WorkflowBundleWithSourceMap,
  ) {}

  static async start(
    workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
  ): Promise<TemporalFixture> {
    const logger = new DefaultLogger('ERROR');
    Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR' } } } });
    const settings = readTemporalSettings();
    const path = await findTemporal(() => undefined, process.env, settings);
    const env = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        ui: false,
        log: { format: 'pretty', level: 'error' },
        extraArgs: behaviourOptions(settings),
        searchAttributes: [defineSearchAttributeKey('CksState', 'KEYWORD')],
      },
    });
    return new TemporalFixture(env, await bundleWorkflowCode({ workflowsPath, logger }));
  }

  /** Runs `body` while a worker plays these activities. */
  async withWorker<T>(
    activities: Record<string, (...args: never[]) => Promise<unknown>>,
    body: () => Promise<T>,
  ): Promise<T> {
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: TASK_QUEUE,
      workflowBundle: this.bundle,
      activities,
      maxHeartbeatThrottleInterval: 100,
      defaultHeartbeatThrottleInterval: 100,
    });
    return worker.runUntil(body);
  }

  /** `known`: called with the operation's id before the run exists. */
  start(workflowType: string, known: (operationId: string) => void = () => undefined) {
    const workflowId = `op-${randomUUID()}`;
    const args: [OperationInput] = [{ operationId: workflowId.slice(3) }];
    known(workflowId.slice(3));
    return this.env.client.workflow.start(workflowType, {
      taskQueue: TASK_QUEUE,
      workflowId,
      args,
      workflowTaskTimeout: '5s',
    });
  }

  stop(): Promise<void> {
    return this.env.teardown();
  }
}
