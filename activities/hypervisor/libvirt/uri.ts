import { fault } from '../../../workflows/model/fault.js';
import { parseHostUrl } from '../../../workflows/model/host-url.js';
import type { HostUri } from './libvirt-uri.js';

const TLS_PORT = 16514;
const VALUES: Readonly<Record<string, { of: readonly string[]; value: RegExp; form: string }>> = {
  socket: { of: ['unix', 'libssh'], value: /^\/[\w./-]+$/, form: 'an absolute path' },
  mode: { of: ['unix', 'libssh'], value: /^(auto|direct|legacy)$/, form: 'auto, direct or legacy' },
  domain: { of: ['unix', 'libssh', 'tls'], value: /^qemu$/, form: 'qemu' },
};
/** libvirt's own pretended host: for a smoke test, so `addHost` does not take it. */
const TEST = /^test:\/\/(\/[\w./-]+)$/;

/** Throws `BadParameter` with what was found and what is taken; nothing is connected to. */
export function parseHostUri(url: string): HostUri {
  const wrong = (why: string) => fault('BadParameter', `the host URL ${url.slice(0, 200)} cannot be used: ${why}`);
  const pretended = TEST.exec(url)?.[1];
  if (pretended !== undefined)
    return { driver: 'test', transport: 'unix', host: '', port: 0, user: '', domain: undefined, path: pretended, parameters: {} }; // prettier-ignore
  const parsed = parseHostUrl(url);
  if ('problem' in parsed) throw wrong(parsed.problem);
  const { scheme, ssh, tls } = parsed;
  if (scheme !== 'qemu' && scheme !== 'lxc') throw wrong(`libvirt does not drive ${scheme}://`);
  const { searchParams, port } = new URL(url);
  const transport = ssh ? 'libssh' : tls ? 'tls' : 'unix';
  const parameters: Record<string, string> = {};
  for (const [name, value] of searchParams) {
    const rule = VALUES[name];
    if (!rule?.of.includes(transport) || (name === 'domain' && scheme !== 'qemu'))
      throw wrong(`the parameter ${name} means nothing to ${scheme} over ${transport}`);
    if (name in parameters) throw wrong(`the parameter ${name} is given twice`);
    if (!rule.value.test(value)) throw wrong(`the parameter ${name} takes ${rule.form}, found "${value}"`);
    parameters[name] = value;
  }
  const { domain, ...rest } = parameters;
  return {
    driver: scheme,
    transport,
    host: parsed.host.replace(/^\[|\]$/g, ''),
    port: ssh?.port ?? (port === '' ? TLS_PORT : Number(port)),
    user: ssh?.user ?? '',
    domain: domain === 'qemu' ? 'qemu' : undefined,
    path: '/system',
    parameters: rest,
  };
}
