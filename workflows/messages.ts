import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { Requests, StopRequest } from './model/operation.js';
import type { StepState } from './model/step-state.js';

export interface Progress {
  percent: number;
  paused: boolean;
  lines: { title: string; state: StepState }[];
}

export const requestsQuery = defineQuery<Requests>('requests');
export const progressQuery = defineQuery<Progress>('progress');
export const pauseSignal = defineSignal<[boolean]>('pause');
export const stopSignal = defineSignal<[StopRequest]>('stop');
