import type { AccountListRow, DomainListRow, UserListRow } from '../../db/accounts.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { wirePath } from './owner.js';

/** Names and types of the default roles, by account type (`api.md` §1.4). */
const ROLE_NAMES: Readonly<Record<number, readonly [name: string, type: string]>> = {
  0: ['User', 'User'],
  1: ['Root Admin', 'Admin'],
  2: ['Domain Admin', 'DomainAdmin'],
  3: ['Resource Admin', 'ResourceAdmin'],
};
const roleOf = (accountType: number): Fields => {
  const [rolename, roletype] = ROLE_NAMES[accountType] ?? ['User', 'User'];
  return { roletype, rolename };
};
const ROLE_FIELDS = {
  roletype: ['string', 'account role type: Admin, ResourceAdmin, DomainAdmin or User'],
  rolename: ['string', 'name of the role'],
} as const;

export const USER = responseObject('user', {
  id: ['string', 'the user ID'],
  username: ['string', 'the user name'],
  firstname: ['string', 'the user firstname'],
  lastname: ['string', 'the user lastname'],
  email: ['string', 'the user email address'],
  account: ['string', 'the account name of the user'],
  accountid: ['string', 'the account ID of the user'],
  accounttype: ['integer', 'the account type of the user'],
  ...ROLE_FIELDS,
  domainid: ['string', 'the domain ID of the user'],
  domain: ['string', 'the domain name of the user'],
  state: ['string', 'the user state'],
  created: ['date', 'the date and time the user account was created'],
  usersource: ['string', 'the source type of the user'],
  isdefault: ['boolean', 'true if user is default'],
  iscallerchilddomain: ['boolean', "true if the user's domain is below the caller's"],
  is2faenabled: ['boolean', 'true if user has two factor authentication enabled'],
  is2famandated: ['boolean', 'true if two factor authentication is mandated'],
  apikey: ['string', 'the api key of the user'],
});

/** The API key is shown to the user himself and to root admins; the secret key by `getUserKeys` only. */
export const userView = (row: UserListRow, withKey: boolean): Fields => ({
  id: row.uuid,
  username: row.username,
  firstname: row.firstname,
  lastname: row.lastname,
  email: row.email,
  account: row.account_name,
  accountid: row.account_id,
  accounttype: row.account_type,
  ...roleOf(row.account_type),
  domainid: row.domain_id,
  domain: row.domain,
  state: row.state.toLowerCase(),
  created: wireDate(row.created),
  usersource: 'native',
  isdefault: false,
  iscallerchilddomain: false,
  is2faenabled: false,
  is2famandated: false,
  ...(withKey && { apikey: row.api_key }),
});

export const ACCOUNT = responseObject('account', {
  id: ['string', 'the id of the account'],
  name: ['string', 'the name of the account'],
  accounttype: ['integer', 'account type: 0 user, 1 admin, 2 domain admin, 3 resource admin'],
  ...ROLE_FIELDS,
  domainid: ['string', 'id of the Domain the account belongs to'],
  domain: ['string', 'name of the Domain the account belongs to'],
  domainpath: ['string', 'path of the Domain the account belongs to'],
  state: ['string', 'the state of the account'],
  created: ['date', 'the date when this account was created'],
  isdefault: ['boolean', 'true if account is default'],
  user: ['list', 'the list of users associated with account', USER.fields],
  accountdetails: ['map', 'details for the account'],
  groups: ['list', 'the list of acl groups that account belongs to'],
});

export const accountView = (row: AccountListRow, users: readonly Fields[]): Fields => ({
  id: row.uuid,
  name: row.account_name,
  accounttype: row.type,
  ...roleOf(row.type),
  domainid: row.domain_id,
  domain: row.domain,
  domainpath: wirePath(row.domain_path),
  state: row.state.toLowerCase(),
  created: wireDate(row.created),
  isdefault: false,
  user: users,
  accountdetails: {},
  groups: [],
});

export const DOMAIN = responseObject('domain', {
  id: ['string', 'the ID of the domain'],
  name: ['string', 'the name of the domain'],
  level: ['integer', 'the level of the domain'],
  path: ['string', 'the path of the domain'],
  parentdomainid: ['string', 'the domain ID of the parent domain'],
  parentdomainname: ['string', 'the domain name of the parent domain'],
  haschild: ['boolean', 'whether the domain has one or more sub-domains'],
  state: ['string', 'the state of the domain'],
  created: ['date', 'the date when this domain was created'],
});

export const domainView = (row: DomainListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  level: row.level,
  path: wirePath(row.path),
  parentdomainid: row.parent,
  parentdomainname: row.parent_name,
  haschild: row.children > 0,
  state: 'Active',
  created: wireDate(row.created),
});

export const USER_KEYS = responseObject('userkeys', {
  apikey: ['string', 'the api key of the registered user'],
  secretkey: ['string', 'the secret key of the registered user'],
  apikeyaccess: ['boolean', 'whether API key access is allowed'],
});
