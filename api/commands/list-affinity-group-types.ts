import { AFFINITY_TYPES } from '../../workflows/model/affinity.js';
import { command, EVERYONE, list } from '../command.js';
import { PAGING } from '../params.js';
import { AFFINITY_GROUP_TYPE } from '../views/affinity-group.js';

export const listAffinityGroupTypes = command({
  name: 'listAffinityGroupTypes',
  description: 'Lists affinity group types available',
  roles: EVERYONE,
  params: { ...PAGING },
  response: AFFINITY_GROUP_TYPE,
  isList: true,
  handler() {
    const types = Object.keys(AFFINITY_TYPES).map((type) => ({ type }));
    return Promise.resolve(list(types.length, types));
  },
});
