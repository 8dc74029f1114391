import { addServiceOffering } from '../../db/change-offering.js';
import { fault } from '../../workflows/model/fault.js';
import { badLabel, badTags } from '../../workflows/model/labels.js';
import { ADMIN, command, object } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { SERVICE_OFFERING, serviceOfferingView } from '../views/offering.js';

/** Largest machine that is not plainly a slip of the hand. */
const MOST_CPUS = 1024;
const MOST_MB = 64 * 1024 * 1024;
const USUAL_MHZ = 2000;

const params = {
  name: p.string({ description: 'the name of the service offering', required: true }),
  displaytext: p.string({ description: 'the display text of the service offering; default: its name' }),
  cpunumber: p.integer({ description: 'the CPU number of the service offering' }),
  cpuspeed: p.integer({ description: 'the CPU speed in MHz; shown only, default 2000' }),
  memory: p.integer({ description: 'the total memory of the service offering in MB' }),
  hosttags: p.string({ description: 'tags that a host must have for its machines, separated by commas' }),
  storagetype: p.string({ description: 'shared, the only one here: pools belong to hosts' }),
  customized: p.boolean({ description: 'refused when true: every offering has its size' }),
  offerha: p.boolean({ description: 'refused when true: nodes on a dead host are replaced instead' }),
  limitcpuuse: p.boolean({ description: 'refused when true' }),
  rootdisksize: p.long({ description: 'refused: the size of root disks is given with the cluster or the machine' }),
  tags: p.string({ description: 'refused: storage tags' }),
  domainid: p.list({ description: 'refused: every account sees every offering' }),
  zoneid: p.list({ description: 'refused: every offering is for every zone' }),
};

export const createServiceOffering = command({
  name: 'createServiceOffering',
  description: 'Creates a service offering',
  roles: ADMIN,
  params,
  response: SERVICE_OFFERING,
  async handler(ctx, asked) {
    const { name, displaytext = name, cpunumber, memory, cpuspeed = USUAL_MHZ, hosttags = '' } = asked;
    const problem =
      badLabel('name', name) ??
      badText(displaytext) ??
      notBuilt(asked) ??
      badSize('cpunumber', cpunumber, MOST_CPUS) ??
      badSize('memory', memory, MOST_MB) ??
      badSize('cpuspeed', cpuspeed, 100_000) ??
      badTags(hosttags);
    if (problem !== undefined) throw fault('BadParameter', problem);
    const added = await addServiceOffering(
      ctx.db,
      { name, displayText: displaytext, cpus: cpunumber!, speedMhz: cpuspeed, ramMb: memory!, hostTags: hosttags.trim() || null }, // prettier-ignore
      operatorOf(ctx),
    );
    if ('problem' in added) throw fault('BadParameter', added.problem);
    return object(serviceOfferingView(added));
  },
});

/** Why a text cannot be shown for an offering. */
export const badText = (text: string): string | undefined =>
  text.trim() === '' ? 'displaytext must not be empty' : undefined;

const badSize = (name: string, value: number | undefined, most: number): string | undefined =>
  value === undefined || value < 1 || value > most
    ? `${name} must be a whole number from 1 to ${most}, found ${value ?? 'none'}`
    : undefined;

function notBuilt(asked: {
  storagetype?: string | undefined;
  customized?: boolean | undefined;
  offerha?: boolean | undefined;
  limitcpuuse?: boolean | undefined;
  rootdisksize?: number | undefined;
  tags?: string | undefined;
  domainid?: string[] | undefined;
  zoneid?: string[] | undefined;
}): string | undefined {
  const { storagetype = 'shared' } = asked;
  if (storagetype.toLowerCase() !== 'shared')
    return `storagetype must be shared, found "${storagetype.slice(0, 40)}": pools belong to hosts`;
  for (const name of ['customized', 'offerha', 'limitcpuuse'] as const)
    if (asked[name] === true) return `${name}=true is not available: leave it out`;
  if (asked.rootdisksize !== undefined && asked.rootdisksize !== 0)
    return 'rootdisksize is given with the cluster (noderootdisksize) or the machine, not with its offering';
  if (asked.tags !== undefined && asked.tags !== '') return 'tags (of storage) are not available: leave them out';
  for (const name of ['domainid', 'zoneid'] as const)
    if ((asked[name] ?? []).length > 0) return `${name} is not available: every offering is for every account and zone`;
  return undefined;
}
