export { applyNetwork } from './apply-network.js';
export { changeMachine } from './change-machine.js';
export { fetchImage } from './fetch-image.js';
export * from './operations.js';
export { probeHost } from './probe-host.js';
export { applyRetention } from './apply-retention.js';
export { scanOperations } from './scan-operations.js';
export { scanZone } from './scan-zone.js';
