import { changeServiceOffering } from '../../db/change-offering.js';
import { fault } from '../../workflows/model/fault.js';
import { badLabel, badTags } from '../../workflows/model/labels.js';
import { ADMIN, command, object } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { SERVICE_OFFERING, serviceOfferingView } from '../views/offering.js';
import { badText } from './create-service-offering.js';

export const updateServiceOffering = command({
  name: 'updateServiceOffering',
  description: 'Updates a service offering; its size never changes',
  roles: ADMIN,
  params: {
    id: p.uuid('serviceOffering', { description: 'the ID of the service offering to be updated', required: true }),
    name: p.string({ description: 'the name of the service offering' }),
    displaytext: p.string({ description: 'the display text of the service offering' }),
    hosttags: p.string({ description: 'tags that a host must have, separated by commas; empty: none' }),
    state: p.string({ description: 'Active, or Inactive: nothing new can be made with it' }),
  },
  response: SERVICE_OFFERING,
  async handler(ctx, { id, name, displaytext, hosttags, state }) {
    const wanted = (['Active', 'Inactive'] as const).find((each) => each.toLowerCase() === state?.toLowerCase());
    const problem =
      (name === undefined ? undefined : badLabel('name', name)) ??
      (displaytext === undefined ? undefined : badText(displaytext)) ??
      (hosttags === undefined ? undefined : badTags(hosttags)) ??
      (state === undefined || wanted ? undefined : `state must be Active or Inactive, found "${state.slice(0, 40)}"`);
    if (problem !== undefined) throw fault('BadParameter', problem);
    const changed = await changeServiceOffering(
      ctx.db,
      id,
      {
        ...(name !== undefined && { name }),
        ...(displaytext !== undefined && { displayText: displaytext }),
        ...(hosttags !== undefined && { hostTags: hosttags.trim() || null }),
        ...(wanted && { state: wanted }),
      },
      operatorOf(ctx),
    );
    if ('problem' in changed) throw fault('BadParameter', changed.problem);
    return object(serviceOfferingView(changed));
  },
});
