/** What the in-cluster service may call: cloud provider, CSI driver and autoscaler (`api.md` §3.9). */
export const SERVICE_COMMANDS: ReadonlySet<string> = new Set([
  'queryAsyncJobResult',
  'listVirtualMachines',
  ...['listVolumes', 'createVolume', 'deleteVolume', 'attachVolume', 'detachVolume', 'resizeVolume'],
  ...['createSnapshot', 'listSnapshots', 'deleteSnapshot'],
  'listNetworks',
  ...['listPublicIpAddresses', 'associateIpAddress', 'disassociateIpAddress'],
  ...['listLoadBalancerRules', 'createLoadBalancerRule', 'updateLoadBalancerRule', 'deleteLoadBalancerRule'],
  ...['assignToLoadBalancerRule', 'removeFromLoadBalancerRule', 'listLoadBalancerRuleInstances'],
  ...['listFirewallRules', 'createFirewallRule', 'updateFirewallRule', 'deleteFirewallRule'],
  ...['listNetworkACLs', 'createNetworkACL', 'deleteNetworkACL'],
  ...['listKubernetesClusters', 'scaleKubernetesCluster'],
]);
