import path from 'node:path';

/** A host's URL, checked: only what is listed ever reaches libvirt, which would send a typo to another daemon. */
export interface HostUri {
  driver: 'qemu' | 'lxc' | 'test';
  transport: 'unix' | 'libssh' | 'tls';
  /** Set for `libssh` and `tls`. */
  host: string;
  port: number;
  user: string;
  /** `qemu` keeps a host with hardware virtualization to emulation. */
  domain: 'qemu' | undefined;
  path: string;
  /** Parameters for libvirt that the URL gave. */
  parameters: Record<string, string>;
}

/** The URI for libvirt; `files` is the folder with the host's key, known hosts and certificates. */
export function libvirtUri(
  { driver, transport, host, port, user, path: at, parameters }: HostUri,
  files?: string,
): string {
  const query = { ...parameters };
  if (transport === 'tls') query['pkipath'] = files ?? '';
  if (transport === 'libssh')
    Object.assign(query, {
      keyfile: path.join(files ?? '', 'key'),
      known_hosts: path.join(files ?? '', 'known_hosts'),
      known_hosts_verify: 'normal',
      sshauth: 'privkey',
      no_tty: '1',
    });
  // All values are paths and words of a known form, so nothing has to be escaped.
  const tail = Object.entries(query).map(([name, value]) => `${name}=${value}`).join('&'); // prettier-ignore
  const given = tail === '' ? '' : `?${tail}`;
  if (transport === 'unix') return `${driver}://${at}${given}`;
  const address = host.includes(':') ? `[${host}]` : host;
  return `${driver}+${transport}://${user && `${user}@`}${address}:${port}${at}${given}`;
}
