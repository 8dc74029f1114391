import type { Command } from '../command.js';
import { cancelKubernetesClusterOperation } from './cancel-kubernetes-cluster-operation.js';
import { createKubernetesCluster } from './create-kubernetes-cluster.js';
import { createSSHKeyPair } from './create-ssh-key-pair.js';
import { deleteKubernetesCluster } from './delete-kubernetes-cluster.js';
import { deleteSSHKeyPair } from './delete-ssh-key-pair.js';
import { getKubernetesClusterConfig } from './get-kubernetes-cluster-config.js';
import { getUserKeys } from './get-user-keys.js';
import { getUser } from './get-user.js';
import { listAccounts } from './list-accounts.js';
import { listApis } from './list-apis.js';
import { listAsyncJobs } from './list-async-jobs.js';
import { listCapabilities } from './list-capabilities.js';
import { listConfigurations } from './list-configurations.js';
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
import { listTemplates } from './list-templates.js';
import { listUsers } from './list-users.js';
import { listVirtualMachines } from './list-virtual-machines.js';
import { listZones } from './list-zones.js';
import { login } from './login.js';
import { logout } from './logout.js';
import { pauseKubernetesClusterOperation } from './pause-kubernetes-cluster-operation.js';
import { queryAsyncJobResult } from './query-async-job-result.js';
import { registerSSHKeyPair } from './register-ssh-key-pair.js';
import { registerUserKeys } from './register-user-keys.js';
import { resumeKubernetesClusterOperation } from './resume-kubernetes-cluster-operation.js';
import { updateConfiguration } from './update-configuration.js';

/** Every command of the service. */
export const COMMANDS: readonly Command[] = [
  cancelKubernetesClusterOperation,
  createKubernetesCluster,
  createSSHKeyPair,
  deleteKubernetesCluster,
  deleteSSHKeyPair,
  getKubernetesClusterConfig,
  getUserKeys,
  getUser,
  listAccounts,
  listApis,
  listAsyncJobs,
  listCapabilities,
  listConfigurations,
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
  listTemplates,
  listUsers,
  listVirtualMachines,
  listZones,
  login,
  logout,
  pauseKubernetesClusterOperation,
  queryAsyncJobResult,
  registerSSHKeyPair,
  registerUserKeys,
  resumeKubernetesClusterOperation,
  updateConfiguration,
];
