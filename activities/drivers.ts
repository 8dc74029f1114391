import { fault } from '../workflows/model/fault.js';
import type { Gateway } from './gateway/driver.js';
import { simulatorGateway } from './gateway/simulator.js';
import type { Hypervisor } from './hypervisor/driver.js';
import { simulatorHypervisor } from './hypervisor/simulator.js';

/** The driver of a host: its URL's scheme decides. */
export function openHypervisor(url: string): Hypervisor {
  if (url.startsWith('simulator://')) return simulatorHypervisor(url);
  throw fault('HypervisorRefused', `no driver for hosts of the form ${url.split('://')[0]}://: this release drives simulator:// only`);
}

export function openGateway(url: string): Gateway {
  if (url.startsWith('simulator://')) return simulatorGateway(url);
  throw fault('HypervisorRefused', `no driver for gateways of the form ${url.split('://')[0]}://: this release drives simulator:// only`);
}
