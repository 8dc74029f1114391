/** Runs jest with the given arguments and closes with one line `N passed, N failed[, N skipped]`. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'cks-test-'));
const outputFile = join(folder, 'result.json');
const program = join(root, 'node_modules', 'jest', 'bin', 'jest.js');

const args = [
  '--experimental-vm-modules',
  '--no-warnings',
  program,
  '--json',
  `--outputFile=${outputFile}`,
  ...process.argv.slice(2),
];
const jest = spawn(process.execPath, args, { cwd: process.cwd(), stdio: ['inherit', 'ignore', 'inherit'] });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
const [code, signal] = await new Promise((resolve) => jest.on('close', (...end) => resolve(end)));

let result;
try {
  result = JSON.parse(readFileSync(outputFile, 'utf8'));
} catch {
  console.error(`jest ended ${signal ? `by ${signal}` : `with status ${code}`} and left no result`);
}
rmSync(folder, { recursive: true, force: true });

// Named again where they are found at once: jest's own words on each are far above by now.
for (const suite of result?.testResults ?? []) {
  if (suite.status === 'failed') console.log(`FAILED ${suite.name.slice(root.length + 1)}`);
  for (const test of suite.assertionResults)
    if (test.status === 'failed') console.log(`  ${test.fullName}: ${test.failureMessages.join(' ').slice(0, 600)}`);
}
const passed = result?.numPassedTests ?? 0;
// A file that could not even be loaded holds no failed test, but has to count as one.
const failed = (result?.numFailedTests ?? 0) + (result?.numRuntimeErrorTestSuites ?? 0) + (result ? 0 : 1);
const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 || passed === 0 || code !== 0 ? 1 : 0);
