import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function belongs(pid: number, home: string): boolean {
  try {
    const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return env.includes(`CKS_HOME=${home}`) && env.includes('CKS_PART=1');
  } catch {
    return false; // gone, or another user's
  }
}

/**
 * Ends parts that an earlier start left behind when it was killed on a system where they cannot die with it. A process is ours
 * only when its own environment says so, so a number that was given to another program meanwhile is left alone.
 */
export async function endLeftovers(home: string): Promise<string[]> {
  const folder = join(home, 'run');
  const ended: string[] = [];
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.pid'))) {
    const pid = Number.parseInt(readFileSync(join(folder, name), 'utf8'), 10);
    if (pid > 1 && belongs(pid, home)) {
      process.kill(pid, 'SIGKILL');
      for (let waited = 0; waited < 5000 && belongs(pid, home); waited += 20) await sleep(20);
      ended.push(name.slice(0, -'.pid'.length));
    }
    rmSync(join(folder, name), { force: true });
  }
  return ended;
}
