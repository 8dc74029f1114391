import { changeSetting } from '../../db/configuration.js';
import { fault } from '../../workflows/model/fault.js';
import { isSettingName, parseSetting, SETTINGS, type SettingRule } from '../../workflows/model/settings.js';
import { ADMIN, command, object } from '../command.js';
import { p } from '../params.js';
import { CONFIGURATION, configurationView } from '../views/configuration.js';

export const updateConfiguration = command({
  name: 'updateConfiguration',
  description: 'Updates a configuration',
  roles: ADMIN,
  params: {
    name: p.string({ description: 'the name of the configuration', required: true }),
    value: p.string({ description: 'the value of the configuration', length: 4096 }),
    accountid: p.uuid('account', { description: 'the ID of the Account to change the value for' }),
  },
  response: CONFIGURATION,
  async handler(ctx, { name, value, accountid }) {
    if (!isSettingName(name)) throw fault('BadParameter', `Config parameter with name ${name} doesn't exist`);
    const rule: SettingRule = SETTINGS[name];
    if (accountid !== undefined && rule.scope !== 'Account')
      throw fault('BadParameter', `${name} can be changed globally only, not for an account`);
    // Without a value the default is stored.
    const text = value ?? String(rule.value);
    const parsed = parseSetting(name, text);
    if ('problem' in parsed) throw fault('BadParameter', parsed.problem);
    const { user, account, domain } = ctx.caller;
    await changeSetting(ctx.db, {
      name,
      value: String(parsed.value),
      scope: accountid,
      userId: user.uuid,
      accountId: account.uuid,
      domainId: domain.uuid,
    });
    ctx.settingsChanged();
    return object(configurationView(name, String(parsed.value), accountid !== undefined));
  },
});
