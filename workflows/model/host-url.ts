/** Addresses of hosts and gateways: which forms there are, and what of them may be given. */
export interface HostUrl {
  /** As it is stored and as drivers get it. */
  url: string;
  scheme: string;
  transport: string;
  /** Empty: this machine. */
  host: string;
  /** Where an SSH host key has to be pinned, and for whom a private key is needed. */
  ssh?: { host: string; port: number; user: string };
  tls: boolean;
  /** What the thing is called unless it is given a name. */
  name: string;
}

const LIBVIRT = ['qemu', 'lxc'];
const FORMS =
  'qemu:///system, qemu+libssh://USER@HOST/system, qemu+tls://HOST/system, lxc:///system or simulator://ADDRESS:PORT/NAME';
/** Parameters of libvirt that name no program and switch no check off. */
const PARAMETERS = ['socket', 'mode', 'domain'];
export const URL_LENGTH = 200;

const REFUSED_TRANSPORTS: Readonly<Record<string, string>> = {
  ssh: 'the ssh program ignores the host key that is pinned: use +libssh',
  libssh2: 'its hosts refuse RSA keys: use +libssh',
  tcp: 'nothing of it is encrypted: use +libssh or +tls',
  ext: 'it runs a program: use +libssh or +tls',
};

/** The parts of a host's URL, or why it cannot be one. Nothing secret may be in it: it is shown, logged and part of histories. */
export function parseHostUrl(text: string): HostUrl | { problem: string } {
  const parsed = split(text);
  if ('problem' in parsed) return parsed;
  const { scheme, transport, url } = parsed;
  if (scheme === 'simulator' && transport === '') return simulated(text, url);
  if (!LIBVIRT.includes(scheme)) return { problem: `the scheme ${scheme}:// is unknown: expected ${FORMS}` };
  const why = REFUSED_TRANSPORTS[transport];
  if (why) return { problem: `the transport +${transport} cannot be used, since ${why}` };
  if (!['', 'unix', 'libssh', 'tls'].includes(transport))
    return { problem: `the transport +${transport} is unknown: expected ${FORMS}` };
  const remote = transport === 'libssh' || transport === 'tls';
  if (remote && scheme === 'lxc')
    return { problem: 'containers can be had on this machine only: expected lxc:///system' };
  if (remote && url.hostname === '') return { problem: `"${text}" names no host: expected ${scheme}+${transport}://HOST/system` }; // prettier-ignore
  if (!remote && url.hostname !== '')
    return {
      problem: `"${text}" does not say how its host is reached: expected ${scheme}+libssh:// or ${scheme}+tls://`,
    };
  const unknown = [...url.searchParams.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined)
    return { problem: `the parameter ${unknown} cannot be given in a host's URL: only ${PARAMETERS.join(', ')} can` };
  if (url.pathname !== '/system') return { problem: `"${text}" must end in /system, found "${url.pathname}"` };
  const ssh = transport === 'libssh' ? sshOf(url, 'root') : undefined;
  return { url: text, scheme, transport, host: url.hostname, ...(ssh && { ssh }), tls: transport === 'tls', name: url.hostname || 'localhost' }; // prettier-ignore
}

/** The parts of a gateway's or fabric program's URL, `ssh://USER@HOST[:PORT]`, or of a simulated one; or why it cannot be one. */
export function parseProgramUrl(text: string): HostUrl | { problem: string } {
  const parsed = split(text);
  if ('problem' in parsed) return parsed;
  const { scheme, transport, url } = parsed;
  if (scheme === 'simulator' && transport === '') return simulated(text, url);
  if (scheme !== 'ssh' || transport !== '')
    return {
      problem: `the scheme ${url.protocol}// is unknown: expected ssh://USER@HOST[:PORT] or simulator://ADDRESS:PORT/NAME`,
    };
  if (url.hostname === '' || url.username === '')
    return { problem: `"${text}" must name user and host: expected ssh://USER@HOST[:PORT]` };
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '')
    return { problem: `"${text}" must end after its host and port: expected ssh://USER@HOST[:PORT]` };
  return { url: text, scheme, transport, host: url.hostname, ssh: sshOf(url, ''), tls: false, name: url.hostname };
}

function split(text: string): { scheme: string; transport: string; url: URL } | { problem: string } {
  if (text.length > URL_LENGTH) return { problem: `it is longer than ${URL_LENGTH} characters` };
  if (!/^[!-~]*$/.test(text) || /[<>"'`\\]/.test(text))
    return { problem: `"${text.slice(0, 100)}" has characters that no URL has` };
  const form = /^([a-z][a-z0-9]*)(?:\+([a-z0-9]+))?:\/\//.exec(text);
  if (!form) return { problem: `"${text}" is no URL: expected ${FORMS}` };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: `"${text}" is no URL: expected ${FORMS}` };
  }
  if (url.password !== '')
    return { problem: 'it holds a password: hosts are reached with keys, which are parameters of their own' };
  if (url.hash !== '') return { problem: `"${text}" has a part after #` };
  if (url.username !== '' && !/^[A-Za-z_][\w.-]{0,31}$/.test(url.username))
    return { problem: `"${url.username}" is no user name` };
  if (url.hostname !== '' && !/^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])$/.test(url.hostname))
    return { problem: `"${url.hostname}" is no host name or address` };
  return { scheme: form[1]!, transport: form[2] ?? '', url };
}

function simulated(text: string, url: URL): HostUrl | { problem: string } {
  const name = url.pathname.slice(1);
  if (url.hostname === '' || !/^[\w.-]+$/.test(name))
    return { problem: `"${text}" names no host: expected simulator://ADDRESS:PORT/NAME` };
  return { url: text, scheme: 'simulator', transport: '', host: url.hostname, tls: false, name };
}

const sshOf = ({ hostname, port, username }: URL, user: string) => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: port === '' ? 22 : Number(port),
  user: username === '' ? user : username,
});
