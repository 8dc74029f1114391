import { refused } from './host-fault.js';
import type { DomainPtr } from './library.js';
import { adoptionXml, type DomainType, type MachineMark, markOf, NAMESPACE } from './machine-xml.js';
import type { Session } from './session.js';
import { readXml, textAt, writeXml } from './xml.js';

const INACTIVE = 2;
const CONFIG = 2;
/** `VIR_DOMAIN_METADATA_ELEMENT`: an element of our own namespace. */
const ELEMENT = 2;
const PREFIX = 'cks';

/** What a domain is described with when it is off, and its mark if that was made for it: a clone has the one of its original. */
function lookAt(session: Session, domain: DomainPtr): { uuid: string; mark: MachineMark | undefined } {
  const described = readXml(session.call((v) => v.domainXml(domain, INACTIVE)));
  const uuid = textAt(described, 'uuid') ?? '';
  const mark = markOf(described);
  return { uuid, mark: mark?.domain === uuid ? mark : undefined };
}

/** Marks a domain that somebody else made as the machine; nothing else of it is changed. */
export function adopt(session: Session, host: string, type: DomainType, name: string, machineId: string): void {
  const found = session.withDomain(name, (domain) => {
    const { uuid, mark } = lookAt(session, domain);
    if (mark?.id === machineId) return true;
    if (mark) throw refused(`domain ${name} on host ${host} is machine ${mark.id} already`);
    if (type === 'lxc')
      throw refused(`domain ${name} on host ${host} is a container, and has no drive for the version medium`);
    const element = writeXml(adoptionXml(machineId, uuid));
    session.call((v) => v.domainSetMetadata(domain, ELEMENT, element, PREFIX, NAMESPACE, CONFIG));
    return true;
  });
  if (!found) throw refused(`there is no domain ${name} on host ${host}: check its name`);
}

/** Takes the mark away that `adopt` made for the machine; the domain goes on as it is. One that this service made keeps its mark. */
export function letGo(session: Session, name: string, machineId: string): void {
  session.withDomain(name, (domain) => {
    const { mark } = lookAt(session, domain);
    if (mark?.id === machineId && mark.id !== mark.domain)
      session.call((v) => v.domainSetMetadata(domain, ELEMENT, null, PREFIX, NAMESPACE, CONFIG));
  });
}
