import { X509Certificate } from 'node:crypto';
import { readDetails, writeDetail } from '../db/clusters.js';
import type { Db } from '../db/knex.js';
import { readNodes } from '../db/nodes.js';

const DETAIL = 'certificates.';
const stored = (ends: Date) => ends.toISOString().replace('T', ' ').replace('Z', '');

/** When the client certificate of a kubeconfig ends; undefined when it has none. */
export function kubeconfigEnd(kubeconfig: string): Date | undefined {
  const [, data] = /client-certificate-data: *(\S+)/.exec(kubeconfig) ?? [];
  if (data === undefined) return undefined;
  try {
    const ends = new Date(new X509Certificate(Buffer.from(data, 'base64')).validTo);
    return Number.isNaN(ends.getTime()) ? undefined : ends;
  } catch {
    return undefined;
  }
}

/** Writes down when the certificates of one control node end: the cluster's end with the first of its nodes. */
export async function recordCertificates(db: Db, clusterId: string, machineId: string, ends: Date): Promise<void> {
  await writeDetail(db, clusterId, `${DETAIL}${machineId}`, stored(ends), 0);
  const details = await readDetails(db, clusterId);
  const known = (await readNodes(db, clusterId)).flatMap(({ vm_id }) => details.get(`${DETAIL}${vm_id}`) ?? []);
  const first = known.sort()[0] ?? stored(ends);
  await db('kubernetes_cluster').where({ uuid: clusterId }).update({ certificates_end: first });
}
