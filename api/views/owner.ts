import type { OwnerColumns } from '../../db/owners.js';
import type { Fields } from '../command.js';

/** Domain paths as the wire writes them: `ROOT/eng`, whichever of the two forms is stored. */
export const wirePath = (path: string): string => (path.startsWith('/') ? `ROOT${path.replace(/\/$/, '')}` : path);

/** Declarations of `ownerView`'s fields. */
export const OWNER_FIELDS = {
  account: ['string', 'the account that owns it; absent when a project does'],
  projectid: ['string', 'the ID of the project that owns it'],
  project: ['string', 'the name of the project that owns it'],
  domainid: ['string', "the ID of the owner's domain"],
  domain: ['string', "the name of the owner's domain"],
  domainpath: ['string', "the path of the owner's domain"],
} as const;

export const ownerView = (row: Partial<OwnerColumns>): Fields => ({
  ...(row.owner_project_id
    ? { projectid: row.owner_project_id, project: row.owner_project }
    : { account: row.owner_name }),
  domainid: row.owner_domain_id,
  domain: row.owner_domain,
  domainpath: row.owner_path && wirePath(row.owner_path),
});
