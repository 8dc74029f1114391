import { mustReadHost, readHostSecret } from '../db/hosts.js';
import { readHostKey } from '../db/ssh-host-key.js';
import { fault } from '../workflows/model/fault.js';
import { parseHostUrl } from '../workflows/model/host-url.js';
import type { HostCapacity } from '../workflows/model/probe.js';
import type { Deps } from './deps.js';
import { showsHostKey, type SshAddress } from './host-key.js';

/** Looks at hosts for somebody who waits for the answer. */
export const hostActivities = ({ db, sealer, openHypervisor }: Pick<Deps, 'db' | 'sealer' | 'openHypervisor'>) => ({
  /** What a host has. Its SSH host key is compared with the one that is pinned before anything else is asked. */
  async readHostFacts(hostId: string): Promise<HostCapacity> {
    const host = await mustReadHost(db, hostId);
    const parsed = parseHostUrl(host.url);
    if ('ssh' in parsed && parsed.ssh) {
      const pinned = readHostKey((await readHostSecret(db, sealer, hostId, 'known-host'))?.reveal() ?? '');
      if (!pinned) throw fault('Internal', `host ${host.name} has no pinned host key`);
      const shown = await showsHostKey({ address: parsed.ssh.host, port: parsed.ssh.port }, pinned.kind);
      if (shown.line !== pinned.line)
        throw fault(
          'HostIdentity',
          `${parsed.ssh.host} shows the host key ${shown.fingerprint}, and ${pinned.fingerprint} was given: find out why before a connection is made`,
        );
    }
    const { hypervisor, arch, cpus, ramMb } = await openHypervisor(host).readFacts();
    return { hypervisor, arch, cpus, ramMb };
  },

  /** The key that an SSH server shows, to be compared by a person. */
  async readHostKey(at: SshAddress): Promise<{ key: string; fingerprint: string }> {
    const { line, fingerprint } = await showsHostKey(at);
    return { key: line, fingerprint };
  },
});
