import type { ImageZoneRow } from '../../db/rows.js';
import type { VersionListRow } from '../../db/versions.js';
import type { ImageState } from '../../workflows/model/image.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { downloadStatus } from './template.js';

export const VERSION = responseObject('kubernetessupportedversion', {
  id: ['string', 'the id of the Kubernetes supported version'],
  name: ['string', 'Name of the Kubernetes supported version'],
  semanticversion: ['string', 'Kubernetes semantic version'],
  isoid: ['string', 'the id of the binaries ISO'],
  isoname: ['string', 'the name of the binaries ISO'],
  isostate: [
    'string',
    'the state of the binaries ISO: NotUploaded, Allocated, Creating, Ready when it can be used, or Failed',
  ],
  isourl: ['string', 'the URL of the binaries ISO; visible to root admins'],
  arch: ['string', 'the architecture of the binaries ISO'],
  isostatus: ['string', 'how far the download of the binaries ISO is, or why it failed'],
  directdownload: ['boolean', 'true if hosts fetch the ISO themselves'],
  zoneid: ['string', 'the id of the zone in which the version is available; absent: all zones'],
  zonename: ['string', 'the name of that zone'],
  supportsha: ['boolean', 'whether the version supports several control nodes'],
  supportsautoscaling: ['boolean', 'whether the version supports autoscaling'],
  state: ['string', 'Enabled or Disabled'],
  mincpunumber: ['integer', 'the minimum number of CPUs needed for the version'],
  minmemory: ['integer', 'the minimum RAM in MB needed for the version'],
  created: ['date', 'the date when this version was created'],
});

const atLeast = (version: string, wanted: readonly number[]): boolean => {
  const parts = version.split('.').map(Number);
  for (const [i, want] of wanted.entries()) if (parts[i] !== want) return (parts[i] ?? 0) > want;
  return true;
};

/** Which of two versions is the lower, part by part as numbers. */
export const isAtLeast = (version: string, lowest: string): boolean => atLeast(version, lowest.split('.').map(Number));

/** The wire's word for each state: the states that the original's store has for an image. */
const WIRE_STATE: Record<ImageState, string> = {
  NotUploaded: 'NotUploaded',
  NotDownloaded: 'Allocated',
  Downloading: 'Creating',
  Ready: 'Ready',
  Failed: 'Failed',
};

/** Of several zones the one that a user has to wait for, or to see to. Zones that have no host yet hold nothing up. */
function tellingZone(zones: readonly ImageZoneRow[]): ImageZoneRow | undefined {
  const order = ['NotUploaded', 'Failed', 'Downloading', 'Ready', 'NotDownloaded'] satisfies ImageState[];
  return order.map((state) => zones.find((zone) => zone.state === state)).find((zone) => zone !== undefined);
}

export function versionView(row: VersionListRow, admin: boolean): Fields {
  const iso = row.iso_name !== null && row.iso_removed === null;
  const zone = tellingZone(row.iso_zones);
  return {
    id: row.uuid,
    name: row.name,
    semanticversion: row.semantic_version,
    ...(iso && {
      isoid: row.iso_id,
      isoname: row.iso_name,
      isostate: zone ? WIRE_STATE[zone.state] : row.iso_state,
      ...(zone && { isostatus: downloadStatus(zone.state, zone, 'ISO') }),
      ...(admin && { isourl: row.iso_url }),
      arch: row.iso_arch,
      directdownload: row.iso_direct === 1,
    }),
    zoneid: row.zone_id,
    zonename: row.zone_name,
    supportsha: isAtLeast(row.semantic_version, '1.16.0'),
    // The original compares this one as plain text, which makes 1.9.x autoscalable; such versions cannot be registered here.
    supportsautoscaling: row.semantic_version >= '1.15.0',
    state: row.state,
    mincpunumber: row.min_cpu,
    minmemory: row.min_ram_size,
    created: wireDate(row.created),
  };
}
