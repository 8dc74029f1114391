import { listAclItems, listAcls } from '../../db/acls.js';
import type { Listed } from '../../db/matching.js';
import { listAddresses, listEgressRules, listNetworks, listRules } from '../../db/networks.js';
import { listVpcs } from '../../db/vpcs.js';
import type { Context, Fields } from '../command.js';
import {
  addressView,
  egressRuleView,
  firewallRuleView,
  loadBalancerRuleView,
  networkView,
  portForwardingRuleView,
} from './network.js';
import { aclItemView, aclListView, vpcView } from './vpc.js';

const ALL = { kind: 'all' } as const;
const ONE = { offset: 0 };

/** The object as it is now; one that is gone by then is only its id. */
const shown =
  <Row>(read: (ctx: Context, id: string) => Promise<Listed<Row>>, view: (row: Row, admin: boolean) => Fields) =>
  async (ctx: Context, id: string): Promise<Fields> => {
    const [row] = (await read(ctx, id)).rows;
    return row === undefined ? { id } : view(row, ctx.caller.role === 'A');
  };

type Purpose = Parameters<typeof listRules>[1]['purpose'];
const rules = (purpose: Purpose) => (ctx: Context, id: string) => listRules(ctx.db, { id, purpose, owners: ALL }, ONE);

export const renderNetwork = shown((ctx, id) => listNetworks(ctx.db, { id, owners: ALL }, ONE), networkView);
const renderEgressRule = shown((ctx, id) => listEgressRules(ctx.db, { id, owners: ALL }, ONE), egressRuleView);
const renderFirewallRule = shown(rules('Firewall'), firewallRuleView);
/** Rules inwards and outwards have one key, and tables of their own. */
async function renderRule(ctx: Context, id: string): Promise<Fields> {
  const inwards = await renderFirewallRule(ctx, id);
  return 'protocol' in inwards ? inwards : renderEgressRule(ctx, id);
}

/** Renderers of the objects that jobs of network commands end with, by their keys. */
export const networkRenderers: readonly [key: string, render: (ctx: Context, id: string) => Promise<Fields>][] = [
  ['network', renderNetwork],
  ['ipaddress', shown((ctx, id) => listAddresses(ctx.db, { id, allocatedOnly: true, owners: ALL }, ONE), addressView)],
  ['firewallrule', renderRule],
  ['portforwardingrule', shown(rules('PortForwarding'), portForwardingRuleView)],
  ['loadbalancer', shown(rules('LoadBalancing'), loadBalancerRuleView)],
  ['vpc', shown((ctx, id) => listVpcs(ctx.db, { id, owners: ALL }, ONE), vpcView)],
  ['networkacllist', shown((ctx, id) => listAcls(ctx.db, { id, owners: ALL }, ONE), aclListView)],
  ['networkacl', shown((ctx, id) => listAclItems(ctx.db, { id, owners: ALL }, ONE), aclItemView)],
];
