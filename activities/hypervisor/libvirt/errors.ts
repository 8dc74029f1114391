import { HostFault } from './host-fault.js';
import type { PlainFault } from './protocol.js';
import { Abandoned, CODE, LibvirtError } from './session.js';

/** What the same call would meet again: not supported, badly formed, not allowed, in the way. */
const FOR_GOOD: ReadonlySet<number> = new Set([
  CODE.noSupport, CODE.opUnsupported, CODE.unsupportedConfig, CODE.notSupportedArgument, CODE.badArgument, CODE.xml, CODE.xmlSyntax,
  CODE.exists, CODE.volumeExists, CODE.readOnly,
]); // prettier-ignore
/** `virErrorDomain`: who inside libvirt failed. */
const FROM = { remote: 13, rpc: 7, libssh: 66, libssh2: 50 };
const CONNECTION: ReadonlySet<number> = new Set(Object.values(FROM));

/**
 * Whether libvirt says that a pool has no room: the system's words for files and rbd (ENOSPC, EDQUOT), and those of LVM's programs, which
 * libvirt passes on ("has insufficient free space (25 extents): 256 required", "Insufficient suitable allocatable extents").
 */
export const saysFull = (error: unknown): boolean =>
  error instanceof LibvirtError &&
  /no space left|disk quota|insufficient (free|suitable) |not enough free space/i.test(error.message);

/** The fault for what a thread threw: names the host, and keeps libvirt's words. `lost`: the connection is gone. */
export function toFault(host: string, action: string, error: unknown, lost = false): PlainFault {
  if (error instanceof HostFault)
    return { code: error.code, message: error.message, facts: { host, action, ...error.facts } };
  if (error instanceof Abandoned)
    return { code: 'HostUnreachable', message: `host ${host}: the call was given up`, facts: { host, action } };
  if (!(error instanceof LibvirtError)) {
    const text = error instanceof Error ? error.message : String(error);
    const code = /koffi|libvirt client library/.test(text) ? 'HypervisorRefused' : 'HypervisorFailed';
    return { code, message: `host ${host}: ${text}`, facts: { host, action } };
  }
  const words = error.message.replace(/\s+/g, ' ').slice(0, 500);
  const facts = { host, action, libvirt: error.code };
  if (/host key|hostkey/i.test(words) && [FROM.libssh, FROM.libssh2].includes(error.domain))
    return { code: 'HostIdentity', message: `host ${host} did not prove who it is: libvirt says "${words}"`, facts };
  if (/certificate/i.test(words) && (error.code === CODE.auth || CONNECTION.has(error.domain)))
    return {
      code: 'HostIdentity',
      message: `host ${host} did not prove who it is: libvirt says "${words}". Its certificate has to be of the authority that was given with the host, and for the name in its URL`,
      facts,
    };
  if (error.code === CODE.auth || ([FROM.libssh, FROM.libssh2].includes(error.domain) && /authenticat/i.test(words)))
    return {
      code: 'HypervisorRefused',
      message: `host ${host} does not let this service in: libvirt says "${words}". Let the stored key or certificate in there, or add the host anew with another`,
      facts,
    };
  if (lost || CONNECTION.has(error.domain))
    return {
      code: 'HostUnreachable',
      message: `host ${host} does not answer (${action}): libvirt says "${words}". See that libvirtd runs there (systemctl status libvirtd)`,
      facts,
    };
  const code = FOR_GOOD.has(error.code) ? 'HypervisorRefused' : 'HypervisorFailed';
  return { code, message: `host ${host} failed to ${action}: libvirt says "${words}"`, facts };
}
