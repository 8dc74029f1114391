import type { ZoneQueue } from './zone-queue.js';

/** Commands that change rows which a gateway has to follow, and what their run is told. */
export const networkWorkflowIdOf = (jobId: string): string => `net-${jobId}`;

/** What the run of a change starts with: the job, and the network, or the VPC whose tiers are applied together. */
export interface NetworkChangeInput {
  jobId: string;
  networkId: string | null;
  vpcId: string | null;
  queue?: ZoneQueue;
}

export interface NetworkOutcome {
  ok: boolean;
  /** Why not, in words. */
  reason?: string;
}

/** Keys of the objects that change, as job results show them. */
export type ChangedObject =
  | 'network'
  | 'ipaddress'
  | 'firewallrule'
  | 'egressfirewallrule'
  | 'portforwardingrule'
  | 'loadbalancer'
  | 'vpc'
  | 'networkacl'
  | 'networkacllist'
  | 'tieracl';

interface ChangeRule {
  /** Key of the object in the job's result; the row that a failed create loses, or a delete. */
  object: ChangedObject;
  action: 'create' | 'update' | 'delete';
  /** Event type (`api.md` §1.9) and the words of events and messages. */
  event: string;
  phrase: string;
  resource: string;
  /** Class of the command, as a job shows it, below `org.apache.cloudstack.api.command.user`. */
  cmd: string;
  /** The job's result is the object; else success only. */
  answers: boolean;
}

const rule = (
  object: ChangedObject,
  action: ChangeRule['action'],
  event: string,
  phrase: string,
  resource: string,
  cmd: string,
  answers = action === 'create',
): ChangeRule => ({ object, action, event, phrase, resource, cmd, answers });

export const NETWORK_CHANGES = {
  deleteNetwork: rule('network', 'delete', 'NETWORK.DELETE', 'deleting network', 'Network', 'network.DeleteNetworkCmd'),
  associateIpAddress: rule('ipaddress', 'create', 'NET.IPASSIGN', 'acquiring address', 'IpAddress', 'address.AssociateIPAddrCmd'),
  disassociateIpAddress: rule('ipaddress', 'delete', 'NET.IPRELEASE', 'releasing address', 'IpAddress', 'address.DisassociateIPAddrCmd'),
  createFirewallRule: rule('firewallrule', 'create', 'FIREWALL.OPEN', 'creating firewall rule', 'FirewallRule', 'firewall.CreateFirewallRuleCmd'),
  deleteFirewallRule: rule('firewallrule', 'delete', 'FIREWALL.CLOSE', 'deleting firewall rule', 'FirewallRule', 'firewall.DeleteFirewallRuleCmd'),
  createEgressFirewallRule: rule('egressfirewallrule', 'create', 'FIREWALL.EGRESS.OPEN', 'creating egress firewall rule', 'FirewallRule', 'firewall.CreateEgressFirewallRuleCmd'),
  deleteEgressFirewallRule: rule('egressfirewallrule', 'delete', 'FIREWALL.EGRESS.CLOSE', 'deleting egress firewall rule', 'FirewallRule', 'firewall.DeleteEgressFirewallRuleCmd'),
  createPortForwardingRule: rule('portforwardingrule', 'create', 'NET.RULEADD', 'creating port forwarding rule', 'PortForwardingRule', 'firewall.CreatePortForwardingRuleCmd'),
  deletePortForwardingRule: rule('portforwardingrule', 'delete', 'NET.RULEDELETE', 'deleting port forwarding rule', 'PortForwardingRule', 'firewall.DeletePortForwardingRuleCmd'),
  createLoadBalancerRule: rule('loadbalancer', 'create', 'LB.CREATE', 'creating load balancer rule', 'LoadBalancerRule', 'loadbalancer.CreateLoadBalancerRuleCmd'),
  updateLoadBalancerRule: rule('loadbalancer', 'update', 'LB.UPDATE', 'updating load balancer rule', 'LoadBalancerRule', 'loadbalancer.UpdateLoadBalancerRuleCmd', true),
  deleteLoadBalancerRule: rule('loadbalancer', 'delete', 'LB.DELETE', 'deleting load balancer rule', 'LoadBalancerRule', 'loadbalancer.DeleteLoadBalancerRuleCmd'),
  assignToLoadBalancerRule: rule('loadbalancer', 'update', 'LB.ASSIGN.TO.RULE', 'adding machines to load balancer rule', 'LoadBalancerRule', 'loadbalancer.AssignToLoadBalancerRuleCmd'),
  removeFromLoadBalancerRule: rule('loadbalancer', 'update', 'LB.REMOVE.FROM.RULE', 'taking machines out of load balancer rule', 'LoadBalancerRule', 'loadbalancer.RemoveFromLoadBalancerRuleCmd'),
  createVPC: rule('vpc', 'create', 'VPC.CREATE', 'creating VPC', 'Vpc', 'vpc.CreateVPCCmd'),
  deleteVPC: rule('vpc', 'delete', 'VPC.DELETE', 'deleting VPC', 'Vpc', 'vpc.DeleteVPCCmd'),
  createNetworkACL: rule('networkacl', 'create', 'NETWORK.ACL.ITEM.CREATE', 'creating network ACL item', 'NetworkACLItem', 'network.CreateNetworkACLCmd'),
  deleteNetworkACL: rule('networkacl', 'delete', 'NETWORK.ACL.ITEM.DELETE', 'deleting network ACL item', 'NetworkACLItem', 'network.DeleteNetworkACLCmd'),
  createNetworkACLList: rule('networkacllist', 'create', 'NETWORK.ACL.CREATE', 'creating network ACL', 'NetworkACL', 'network.CreateNetworkACLListCmd'),
  deleteNetworkACLList: rule('networkacllist', 'delete', 'NETWORK.ACL.DELETE', 'deleting network ACL', 'NetworkACL', 'network.DeleteNetworkACLListCmd'),
  replaceNetworkACLList: rule('tieracl', 'update', 'NETWORK.ACL.REPLACE', 'replacing the ACL of network', 'Network', 'network.ReplaceNetworkACLListCmd'),
} as const satisfies Record<string, ChangeRule>; // prettier-ignore
export type NetworkChangeKind = keyof typeof NETWORK_CHANGES;
