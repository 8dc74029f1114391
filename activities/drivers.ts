import { Context } from '@temporalio/activity';
import { fault } from '../workflows/model/fault.js';
import type { Gateway } from './gateway/driver.js';
import { simulatorGateway } from './gateway/simulator.js';
import type { Hypervisor } from './hypervisor/driver.js';
import { simulatorHypervisor } from './hypervisor/simulator.js';
import { fenced } from './step.js';

/** Calls of drivers end with the activity that makes them. */
const signal = () => Context.current().cancellationSignal;

/** The driver of a host: its URL's scheme decides. */
export function openHypervisor(url: string): Hypervisor {
  if (url.startsWith('simulator://')) return fenced<Hypervisor>(simulatorHypervisor(url, signal));
  throw noDriver('hosts', url);
}

export function openGateway(url: string): Gateway {
  if (url.startsWith('simulator://')) return fenced(simulatorGateway(url, signal));
  throw noDriver('gateways', url);
}

const noDriver = (what: string, url: string) =>
  fault(
    'HypervisorRefused',
    `no driver for ${what} of the form ${url.split('://')[0]}://: this release drives simulator:// only`,
  );
