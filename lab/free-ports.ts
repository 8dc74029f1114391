import { takenPorts } from '../scripts/ports.js';

/** Below the ports that Linux gives outgoing connections (32768 on): one that is free there may be taken a moment later. */
const [FIRST, LAST] = [20_000, 32_000];

/** Numbers of free ports, no two of them equal. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const ports = Array.from({ length: count }, () => FIRST + Math.floor(Math.random() * (LAST - FIRST)));
    const taken = await takenPorts(Object.fromEntries(ports.map((port, i) => [`port ${i}`, port])));
    if (taken.length === 0) return ports;
  }
}
