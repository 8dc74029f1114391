import { connect, createServer, type Server } from 'node:net';

/** Variable name → port number. */
export type Ports = Readonly<Record<string, number>>;

function hold(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => resolve(server));
  });
}

/** One line per port that is taken by another program, or by two variables. Empty when all are free. */
export async function takenPorts(ports: Ports): Promise<string[]> {
  const held = new Map<number, { name: string; server: Server }>();
  const lines: string[] = [];
  try {
    for (const [name, port] of Object.entries(ports)) {
      const twin = held.get(port);
      if (twin) lines.push(`${name} and ${twin.name} are both ${port}: give one of them another port`);
      else {
        try {
          held.set(port, { name, server: await hold(port) });
        } catch (error) {
          const code = (error as NodeJS.ErrnoException).code;
          const why = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${code})`;
          lines.push(`port ${port} ${why}: stop it, or set ${name} to another port`);
        }
      }
    }
  } finally {
    await Promise.all([...held.values()].map(({ server }) => new Promise((resolve) => server.close(resolve))));
  }
  return lines;
}

/** True when something accepts connections there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false)).setTimeout(2000, () => end(false)); // prettier-ignore
  });
}
