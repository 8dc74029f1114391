import { finishedJob } from '../../db/finished-job.js';
import { transact } from '../../db/knex.js';
import { removeImage } from '../../db/templates.js';
import { clustersOfVersion, readVersion, removeVersion } from '../../db/versions.js';
import { ADMIN, command, job } from '../command.js';
import { failedJob } from '../failed-job.js';
import { forgetImage } from '../images.js';
import { versionEvent } from '../kubernetes-versions.js';
import { p } from '../params.js';

/** Deletes a version and its ISO; refused in the job while a cluster uses it. Copies on hosts go in the background. */
export const deleteKubernetesSupportedVersion = command({
  name: 'deleteKubernetesSupportedVersion',
  description: 'Deletes a Kubernetes supported version',
  roles: ADMIN,
  isAsync: true,
  kubernetes: true,
  params: { id: p.uuid('version', { description: 'the ID of the Kubernetes supported version', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    const version = await readVersion(ctx.db, id);
    if (!version || version.removed !== null)
      return job(await failedJob(ctx, `Invalid Kubernetes version id ${id}: it was deleted`));
    const done = await transact(ctx.db, async (trx) => {
      const clusters = await clustersOfVersion(trx, id);
      if (clusters.length > 0) return { clusters };
      await removeVersion(trx, id);
      await removeImage(trx, version.iso_id);
      await versionEvent(ctx, trx, 'KUBERNETES.VERSION.DELETE', `deleting Kubernetes supported version ${version.name}`, id); // prettier-ignore
      return finishedJob(trx, {
        command: ctx.command.name,
        accountId: ctx.caller.account.uuid,
        userId: ctx.caller.user.uuid,
        result: { success: true },
      });
    });
    if (typeof done !== 'string') {
      const used = `Unable to delete Kubernetes version ${version.name}: clusters ${done.clusters.join(', ')} use it`;
      return job(await failedJob(ctx, used));
    }
    await forgetImage(ctx, { uuid: version.iso_id });
    return job(done);
  },
});
