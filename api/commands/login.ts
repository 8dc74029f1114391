import { findIdentity, verifyPassword } from '../../db/accounts.js';
import { bare, command, EVERYONE, responseObject } from '../command.js';
import { p } from '../params.js';
import { wirePath } from '../views/owner.js';
import { WireError } from '../wire/errors.js';

const LOGIN = responseObject('loginresponse', {
  username: ['string', 'Username'],
  userid: ['string', 'User ID'],
  domainid: ['string', 'Domain ID that the user belongs to'],
  timeout: ['integer', 'the time period before the session has expired'],
  account: ['string', 'the account name the user belongs to'],
  firstname: ['string', 'first name of the user'],
  lastname: ['string', 'last name of the user'],
  type: ['string', 'the account type (admin, domain-admin, user)'],
  timezone: ['string', 'user time zone'],
  timezoneoffset: ['string', 'user time zone offset from UTC'],
  registered: ['string', 'Is user registered'],
  sessionkey: ['string', 'Session key that can be passed in subsequent Query command calls'],
  is2faenabled: ['string', 'Is two factor authentication enabled'],
  is2faverified: ['string', 'Is two factor authentication verified'],
  providerfor2fa: ['string', 'Two factor authentication provider'],
  issuerfor2fa: ['string', 'Two factor authentication issuer'],
});

const FAILED = 'Failed to authenticate user; please check the credentials';

/** `/`, `/eng/qa` and `eng/qa/` as paths are shown: `ROOT`, `ROOT/eng/qa`. */
const asPath = (domain: string | undefined): string => {
  const inner = (domain ?? '').replace(/^\/+|\/+$/g, '');
  return inner === '' || inner === 'ROOT' ? 'ROOT' : `ROOT/${inner.replace(/^ROOT\//, '')}`;
};

export const login = command({
  name: 'login',
  description:
    'Logs a user into the CloudStack. A successful login attempt will generate a JSESSIONID cookie value that can be passed in subsequent Query command calls until the "logout" command has been issued or the session has expired.',
  roles: EVERYONE,
  open: true,
  postOnly: true,
  params: {
    username: p.string({ description: 'Username', required: true }),
    password: p.string({ description: 'Password', required: true, sensitive: true, length: 1024 }),
    domain: p.string({ description: 'Path of the domain that the user belongs to, such as /eng/qa; default ROOT' }),
    domainid: p.string({ description: 'The id of the domain that the user belongs to; wins over domain' }),
  },
  response: LOGIN,
  async handler(ctx, { username, password, domain, domainid }) {
    if (domainid) {
      const known = await ctx
        .db('domain')
        .where(/^\d{1,15}$/.test(domainid) ? { id: Number(domainid) } : { uuid: domainid.toLowerCase() })
        .first<{ uuid: string } | undefined>('uuid');
      if (!known)
        throw new WireError(401, undefined, `Unable to find the domain ${domainid.slice(0, 64)}; please check it`);
      domainid = known.uuid;
    }
    const identity = await findIdentity(ctx.db, { username });
    const right = await verifyPassword(password, identity?.password);
    const within = domainid
      ? identity?.domain.uuid === domainid
      : identity !== undefined && wirePath(identity.domain.path) === asPath(domain);
    if (!identity || !right || !within || !identity.enabled) throw new WireError(531, 4290, FAILED);
    const { sessionkey, timeoutSeconds } = await ctx.session.start(identity.user.uuid);
    return bare({
      username: identity.user.username,
      userid: identity.user.uuid,
      domainid: identity.domain.uuid,
      timeout: timeoutSeconds,
      account: identity.account.account_name,
      firstname: identity.user.firstname,
      lastname: identity.user.lastname,
      type: String(identity.account.type),
      timezone: 'UTC',
      timezoneoffset: '0.0',
      registered: 'false',
      sessionkey,
      is2faenabled: 'false',
      is2faverified: 'true',
      providerfor2fa: '',
      issuerfor2fa: '',
    });
  },
});
