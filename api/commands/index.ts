import type { Command } from '../command.js';
import { addAccountToProject } from './add-account-to-project.js';
import { addHost } from './add-host.js';
import { addKubernetesSupportedVersion } from './add-kubernetes-supported-version.js';
import { addNodesToKubernetesCluster } from './add-nodes-to-kubernetes-cluster.js';
import { addVirtualMachinesToKubernetesCluster } from './add-virtual-machines-to-kubernetes-cluster.js';
import { assignToLoadBalancerRule } from './assign-to-load-balancer-rule.js';
import { associateIpAddress } from './associate-ip-address.js';
import { createAccount } from './create-account.js';
import { createDomain } from './create-domain.js';
import { createEgressFirewallRule } from './create-egress-firewall-rule.js';
import { createFirewallRule } from './create-firewall-rule.js';
import { createLoadBalancerRule } from './create-load-balancer-rule.js';
import { createNetwork } from './create-network.js';
import { createNetworkACL } from './create-network-acl.js';
import { createNetworkACLList } from './create-network-acl-list.js';
import { createPortForwardingRule } from './create-port-forwarding-rule.js';
import { createProject } from './create-project.js';
import { createServiceOffering } from './create-service-offering.js';
import { createUser } from './create-user.js';
import { createVPC } from './create-vpc.js';
import { deleteAccountFromProject } from './delete-account-from-project.js';
import { deleteCniConfiguration } from './delete-cni-configuration.js';
import { deleteEgressFirewallRule } from './delete-egress-firewall-rule.js';
import { deleteFirewallRule } from './delete-firewall-rule.js';
import { deleteIso } from './delete-iso.js';
import { deleteKubernetesSupportedVersion } from './delete-kubernetes-supported-version.js';
import { deleteLoadBalancerRule } from './delete-load-balancer-rule.js';
import { deleteNetwork } from './delete-network.js';
import { deleteNetworkACL } from './delete-network-acl.js';
import { deleteNetworkACLList } from './delete-network-acl-list.js';
import { deletePortForwardingRule } from './delete-port-forwarding-rule.js';
import { deleteProject } from './delete-project.js';
import { deleteServiceOffering } from './delete-service-offering.js';
import { deleteTemplate } from './delete-template.js';
import { deleteUserData } from './delete-user-data.js';
import { deleteVPC } from './delete-vpc.js';
import { deleteZone } from './delete-zone.js';
import { deployVirtualMachine } from './deploy-virtual-machine.js';
import { destroyVirtualMachine } from './destroy-virtual-machine.js';
import { disassociateIpAddress } from './disassociate-ip-address.js';
import { getServiceSshKey } from './get-service-ssh-key.js';
import { getUploadParamsForKubernetesSupportedVersion } from './get-upload-params-for-kubernetes-supported-version.js';
import { importVirtualMachine } from './import-virtual-machine.js';
import { listCniConfiguration } from './list-cni-configuration.js';
import { listEgressFirewallRules } from './list-egress-firewall-rules.js';
import { listLoadBalancerRuleInstances } from './list-load-balancer-rule-instances.js';
import { listNetworkACLLists } from './list-network-acl-lists.js';
import { listNetworkACLs } from './list-network-acls.js';
import { listUserData } from './list-user-data.js';
import { listVPCOfferings } from './list-vpc-offerings.js';
import { listVPCs } from './list-vpcs.js';
import { rebootVirtualMachine } from './reboot-virtual-machine.js';
import { registerCniConfiguration } from './register-cni-configuration.js';
import { registerIso } from './register-iso.js';
import { registerTemplate } from './register-template.js';
import { registerUserData } from './register-user-data.js';
import { removeFromLoadBalancerRule } from './remove-from-load-balancer-rule.js';
import { removeNodesFromKubernetesCluster } from './remove-nodes-from-kubernetes-cluster.js';
import { removeVirtualMachinesFromKubernetesCluster } from './remove-virtual-machines-from-kubernetes-cluster.js';
import { replaceKubernetesNode } from './replace-kubernetes-node.js';
import { replaceNetworkACLList } from './replace-network-acl-list.js';
import { scaleKubernetesCluster } from './scale-kubernetes-cluster.js';
import { startKubernetesCluster } from './start-kubernetes-cluster.js';
import { startVirtualMachine } from './start-virtual-machine.js';
import { stopKubernetesCluster } from './stop-kubernetes-cluster.js';
import { stopVirtualMachine } from './stop-virtual-machine.js';
import { updateKubernetesSupportedVersion } from './update-kubernetes-supported-version.js';
import { updateLoadBalancerRule } from './update-load-balancer-rule.js';
import { updateServiceOffering } from './update-service-offering.js';
import { upgradeKubernetesCluster } from './upgrade-kubernetes-cluster.js';
import { cancelKubernetesClusterOperation } from './cancel-kubernetes-cluster-operation.js';
import { createAffinityGroup } from './create-affinity-group.js';
import { createKubernetesCluster } from './create-kubernetes-cluster.js';
import { createSSHKeyPair } from './create-ssh-key-pair.js';
import { createStoragePool } from './create-storage-pool.js';
import { createVlanIpRange } from './create-vlan-ip-range.js';
import { createZone } from './create-zone.js';
import { dedicateHost } from './dedicate-host.js';
import { deleteAffinityGroup } from './delete-affinity-group.js';
import { deleteHost } from './delete-host.js';
import { deleteKubernetesCluster } from './delete-kubernetes-cluster.js';
import { deleteSSHKeyPair } from './delete-ssh-key-pair.js';
import { deleteVlanIpRange } from './delete-vlan-ip-range.js';
import { getKubernetesClusterConfig } from './get-kubernetes-cluster-config.js';
import { getUserKeys } from './get-user-keys.js';
import { getUser } from './get-user.js';
import { listAccounts } from './list-accounts.js';
import { listAffinityGroupTypes } from './list-affinity-group-types.js';
import { listAffinityGroups } from './list-affinity-groups.js';
import { listApis } from './list-apis.js';
import { listAsyncJobs } from './list-async-jobs.js';
import { listCapabilities } from './list-capabilities.js';
import { listConfigurations } from './list-configurations.js';
import { listDedicatedHosts } from './list-dedicated-hosts.js';
import { listDomains } from './list-domains.js';
import { listEvents } from './list-events.js';
import { listFirewallRules } from './list-firewall-rules.js';
import { listHosts } from './list-hosts.js';
import { listHypervisors } from './list-hypervisors.js';
import { listIsos } from './list-isos.js';
import { listKubernetesClusterOperations } from './list-kubernetes-cluster-operations.js';
import { listKubernetesClusters } from './list-kubernetes-clusters.js';
import { listKubernetesSupportedVersions } from './list-kubernetes-supported-versions.js';
import { listLoadBalancerRules } from './list-load-balancer-rules.js';
import { listNetworkOfferings } from './list-network-offerings.js';
import { listNetworks } from './list-networks.js';
import { listPortForwardingRules } from './list-port-forwarding-rules.js';
import { listProjects } from './list-projects.js';
import { listPublicIpAddresses } from './list-public-ip-addresses.js';
import { listServiceOfferings } from './list-service-offerings.js';
import { listSSHKeyPairs } from './list-ssh-key-pairs.js';
import { listStoragePools } from './list-storage-pools.js';
import { listTemplates } from './list-templates.js';
import { listUsers } from './list-users.js';
import { listVirtualMachines } from './list-virtual-machines.js';
import { listVlanIpRanges } from './list-vlan-ip-ranges.js';
import { listZones } from './list-zones.js';
import { login } from './login.js';
import { logout } from './logout.js';
import { pauseKubernetesClusterOperation } from './pause-kubernetes-cluster-operation.js';
import { queryAsyncJobResult } from './query-async-job-result.js';
import { registerSSHKeyPair } from './register-ssh-key-pair.js';
import { registerUserKeys } from './register-user-keys.js';
import { releaseDedicatedHost } from './release-dedicated-host.js';
import { resumeKubernetesClusterOperation } from './resume-kubernetes-cluster-operation.js';
import { updateConfiguration } from './update-configuration.js';
import { updateHost } from './update-host.js';
import { updateKubernetesClusterAffinityGroups } from './update-kubernetes-cluster-affinity-groups.js';

/** Every command of the service. */
export const COMMANDS: readonly Command[] = [
  addAccountToProject,
  addHost,
  addKubernetesSupportedVersion,
  addNodesToKubernetesCluster,
  addVirtualMachinesToKubernetesCluster,
  assignToLoadBalancerRule,
  associateIpAddress,
  createAccount,
  createDomain,
  createEgressFirewallRule,
  createFirewallRule,
  createLoadBalancerRule,
  createNetwork,
  createNetworkACL,
  createNetworkACLList,
  createPortForwardingRule,
  createProject,
  createServiceOffering,
  createUser,
  createVPC,
  deleteAccountFromProject,
  deleteCniConfiguration,
  deleteEgressFirewallRule,
  deleteFirewallRule,
  deleteIso,
  deleteKubernetesSupportedVersion,
  deleteLoadBalancerRule,
  deleteNetwork,
  deleteNetworkACL,
  deleteNetworkACLList,
  deletePortForwardingRule,
  deleteProject,
  deleteServiceOffering,
  deleteTemplate,
  deleteUserData,
  deleteVPC,
  deleteZone,
  deployVirtualMachine,
  destroyVirtualMachine,
  disassociateIpAddress,
  getServiceSshKey,
  getUploadParamsForKubernetesSupportedVersion,
  importVirtualMachine,
  listCniConfiguration,
  listEgressFirewallRules,
  listLoadBalancerRuleInstances,
  listNetworkACLLists,
  listNetworkACLs,
  listUserData,
  listVPCOfferings,
  listVPCs,
  rebootVirtualMachine,
  registerCniConfiguration,
  registerIso,
  registerTemplate,
  registerUserData,
  removeFromLoadBalancerRule,
  removeNodesFromKubernetesCluster,
  removeVirtualMachinesFromKubernetesCluster,
  replaceKubernetesNode,
  replaceNetworkACLList,
  scaleKubernetesCluster,
  startKubernetesCluster,
  startVirtualMachine,
  stopKubernetesCluster,
  stopVirtualMachine,
  updateKubernetesSupportedVersion,
  updateLoadBalancerRule,
  upgradeKubernetesCluster,
  cancelKubernetesClusterOperation,
  createAffinityGroup,
  createKubernetesCluster,
  createSSHKeyPair,
  createStoragePool,
  createVlanIpRange,
  createZone,
  dedicateHost,
  deleteAffinityGroup,
  deleteHost,
  deleteKubernetesCluster,
  deleteSSHKeyPair,
  deleteVlanIpRange,
  getKubernetesClusterConfig,
  getUserKeys,
  getUser,
  listAccounts,
  listAffinityGroups,
  listAffinityGroupTypes,
  listApis,
  listAsyncJobs,
  listCapabilities,
  listConfigurations,
  listDedicatedHosts,
  listDomains,
  listEvents,
  listFirewallRules,
  listHosts,
  listHypervisors,
  listIsos,
  listKubernetesClusterOperations,
  listKubernetesClusters,
  listKubernetesSupportedVersions,
  listLoadBalancerRules,
  listNetworkOfferings,
  listNetworks,
  listPortForwardingRules,
  listProjects,
  listPublicIpAddresses,
  listServiceOfferings,
  listSSHKeyPairs,
  listStoragePools,
  listTemplates,
  listUsers,
  listVirtualMachines,
  listVlanIpRanges,
  listZones,
  login,
  logout,
  pauseKubernetesClusterOperation,
  queryAsyncJobResult,
  registerSSHKeyPair,
  registerUserKeys,
  releaseDedicatedHost,
  resumeKubernetesClusterOperation,
  updateConfiguration,
  updateHost,
  updateKubernetesClusterAffinityGroups,
  updateServiceOffering,
];
