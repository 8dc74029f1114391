import { connect } from 'node:net';
import { HostFault } from './host-fault.js';
import type { Target } from './protocol.js';

const ANSWER_MS = 8000;

/** Tries the port of a remote host before libvirt does, which has no limit for it. Throws `HostUnreachable`. */
export function reach({ name, uri: { transport, host, port } }: Target): Promise<void> {
  if (transport === 'unix') return Promise.resolve();
  const unreachable = (why: string) =>
    new HostFault(
      'HostUnreachable',
      `host ${name} at ${host}:${port} does not answer: ${why}. See that the host is up and lets this service in at that port`,
    );
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const over = (error?: HostFault) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.setTimeout(ANSWER_MS, () => over(unreachable(`nothing came within ${ANSWER_MS / 1000} s`)));
    socket.once('connect', () => over());
    socket.once('error', (error) => over(unreachable(error.message)));
  });
}
