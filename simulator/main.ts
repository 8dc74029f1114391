import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { startSimulator } from './simulator.js';

export { startSimulator, type Simulator, type SimulatorOptions } from './simulator.js';

function positive(name: string, fallback: number): number {
  const text = process.env[name] ?? '';
  const value = text === '' ? fallback : Number(text);
  if (!(value >= 0)) throw new Error(`${name} must be a number, found "${text}"`);
  return value;
}

async function main(): Promise<void> {
  const log = pino({ name: 'simulator' });
  const port = positive('SIMULATOR_PORT', 8090);
  const profile = process.env['SIMULATOR_PROFILE'] || 'demo';
  const simulator = await startSimulator({
    port,
    profile,
    home: process.env['CKS_HOME'] || '.cks',
    scale: positive('SIMULATOR_SCALE', 1) || 1,
    log,
  }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new Error(`port ${port} is in use: set SIMULATOR_PORT to another`);
    throw error;
  });
  log.info({ profile }, `simulated zone at ${simulator.url}: nothing in it is real`);
  const stop = () => void simulator.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
