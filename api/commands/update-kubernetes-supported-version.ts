import { transact } from '../../db/knex.js';
import { readVersion, setVersionState } from '../../db/versions.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, object } from '../command.js';
import { renderVersion, versionEvent } from '../kubernetes-versions.js';
import { p } from '../params.js';
import { VERSION } from '../views/version.js';

export const updateKubernetesSupportedVersion = command({
  name: 'updateKubernetesSupportedVersion',
  description: 'Update a supported Kubernetes version: a disabled one is not used for new clusters or upgrades',
  roles: ADMIN,
  kubernetes: true,
  params: {
    id: p.uuid('version', { description: 'the ID of the Kubernetes supported version', required: true }),
    state: p.string({ description: 'Enabled or Disabled', required: true }),
  },
  response: VERSION,
  async handler(ctx, { id, state }) {
    const version = await readVersion(ctx.db, id);
    if (!version || version.removed !== null)
      throw fault('Refused', `Invalid Kubernetes version id ${id}: it was deleted`);
    if (state !== 'Enabled' && state !== 'Disabled')
      throw fault('Refused', `Invalid value for state: expected Enabled or Disabled, found "${state}"`);
    await transact(ctx.db, async (trx) => {
      await setVersionState(trx, id, state);
      await versionEvent(ctx, trx, 'KUBERNETES.VERSION.UPDATE', `updating Kubernetes supported version ${version.name} to ${state}`, id); // prettier-ignore
    });
    return object(await renderVersion(ctx, id));
  },
});
