import { fault } from '../../../workflows/model/fault.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const LONGEST = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A name that may become a domain, a volume or a file: `HypervisorRefused` for anything that could mean more than itself. */
export function checkName(what: string, name: string): string {
  if (name.length > LONGEST)
    throw refusal(what, name, `has ${name.length} characters, and at most ${LONGEST} are taken`);
  if (!NAME.test(name))
    throw refusal(
      what,
      name,
      'may hold letters, digits, dots, hyphens and underscores, and begins with a letter or digit',
    );
  return name;
}

export function checkUuid(what: string, id: string): string {
  if (!UUID.test(id)) throw refusal(what, id, 'is no UUID');
  return id.toLowerCase();
}

export function checkWhole(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw refusal(what, String(value), 'is no whole number from 1 on');
  return value;
}

const refusal = (what: string, found: string, why: string) =>
  fault('HypervisorRefused', `${what} ${JSON.stringify(found.slice(0, 60))} ${why}`, { what });
