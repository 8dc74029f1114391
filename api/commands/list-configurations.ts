import { readStored } from '../../db/configuration.js';
import { isSettingName, SETTINGS } from '../../workflows/model/settings.js';
import { ADMIN, command, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { CONFIGURATION, configurationView } from '../views/configuration.js';

export const listConfigurations = command({
  name: 'listConfigurations',
  description: 'Lists all configurations',
  roles: ADMIN,
  params: {
    name: p.string({ description: 'lists configuration by name' }),
    category: p.string({ description: 'lists configurations by category; Advanced is the only one here' }),
    group: p.string({ description: 'lists configuration by group name', since: '4.18.0' }),
    subgroup: p.string({ description: 'lists configuration by subgroup name', since: '4.18.0' }),
    parent: p.string({ description: 'lists configuration by parent name', since: '4.18.0' }),
    accountid: p.uuid('account', { description: 'the ID of the Account to show the values of' }),
    ...PAGING,
  },
  response: CONFIGURATION,
  isList: true,
  async handler(ctx, params) {
    const stored = await readStored(ctx.db, params.accountid);
    const page = await pageOf(ctx, params);
    const same = (wanted: string | undefined, found: unknown) =>
      wanted === undefined || wanted.toLowerCase() === String(found).toLowerCase();
    const shown = Object.keys(SETTINGS)
      .filter(isSettingName)
      .filter((name) => same(params.name, name) && name.includes((params.keyword ?? '').toLowerCase()))
      .map((name) => configurationView(name, stored.get(name), params.accountid !== undefined))
      .filter(
        (view) =>
          same(params.category, view.category) &&
          same(params.group, view.group) &&
          same(params.subgroup, view.subgroup) &&
          same(params.parent, view.parent),
      );
    return list(
      shown.length,
      shown.slice(page.offset, page.limit === undefined ? undefined : page.offset + page.limit),
    );
  },
});
