import type { CopyState, ImageState } from '../workflows/model/image.js';
import type { MachineChangeKind } from '../workflows/model/machine-change.js';
import type { NetworkChangeKind } from '../workflows/model/network-change.js';
import type { NodePhase } from '../workflows/model/node-phase.js';
import type { StepState } from '../workflows/model/step-state.js';
import type { ClusterState, OperationKind } from '../workflows/model/states.js';

/** Rows as the database returns them. Times are UTC text `YYYY-MM-DD HH:MM:SS.mmm`; flags are 0 or 1; ids are UUIDs unless named `id`. */
interface ObjectRow {
  id: number;
  uuid: string;
  created: string;
  removed: string | null;
}
export interface DomainRow extends ObjectRow {
  name: string;
  path: string;
  parent: string | null;
  level: number;
}
export interface AccountRow extends ObjectRow {
  account_name: string;
  type: number;
  domain_id: string;
  state: string;
  /** The project that this is the account of (type 5). */
  project_id: string | null;
  project_name: string | null;
}
export interface UserRow extends ObjectRow {
  username: string;
  password: string;
  account_id: string;
  firstname: string;
  lastname: string;
  email: string | null;
  api_key: string | null;
  state: string;
  /** `kubernetes`: may call the commands of the in-cluster service only (`api.md` §3.9). */
  scope: 'kubernetes' | null;
}
export interface ZoneRow extends ObjectRow {
  name: string;
  networktype: string;
  hypervisor: string;
  allocation_state: string;
  gateway_url: string;
  dns1: string | null;
  guest_cidr: string;
  /** `bridge`, `vxlan`, or that the hosts' driver joins them by itself. */
  network_mode: string;
  bridge: string | null;
  public_bridge: string | null;
  internal_cidr: string | null;
}
export interface HostRow extends ObjectRow {
  name: string;
  url: string;
  data_center_id: string;
  hypervisor_type: string;
  status: string;
  resource_state: string;
  arch: string;
  cpus: number;
  ram_mb: number;
  cpus_used: number;
  ram_mb_used: number;
  tags: string | null;
  pool: string;
  fabric_url: string | null;
  fingerprint: string | null;
  last_pinged: string | null;
}
export interface StoragePoolRow extends ObjectRow {
  name: string;
  pool_type: string;
  url: string;
  data_center_id: string;
  host_id: string | null;
  tags: string | null;
}
export interface VlanRow {
  id: number;
  uuid: string;
  data_center_id: string;
  vlan_id: string;
  start_ip: string;
  end_ip: string;
  vlan_gateway: string;
  vlan_netmask: string;
  created: string;
}
export interface DedicationRow {
  id: number;
  uuid: string;
  host_id: string;
  domain_id: string;
  account_id: string | null;
  affinity_group_id: string;
  created: string;
}
export interface AffinityGroupRow {
  id: number;
  uuid: string;
  name: string;
  type: string;
  description: string | null;
  account_id: string;
  domain_id: string;
  created: string;
}
export interface ServiceOfferingRow extends ObjectRow {
  name: string;
  display_text: string;
  cpu: number;
  speed: number;
  ram_size: number;
  state: string;
  host_tags: string | null;
}
export interface NetworkOfferingRow extends ObjectRow {
  name: string;
  display_text: string;
  guest_type: string;
  state: string;
  egress_default_policy: number;
  services: string;
  for_vpc: number;
  specify_vlan: number;
}
export interface TemplateRow extends ObjectRow {
  name: string;
  display_text: string;
  kind: 'TEMPLATE' | 'ISO';
  url: string;
  checksum: string | null;
  size_bytes: number;
  state: string;
  format: string;
  arch: string;
  hypervisor: string | null;
  for_cks: number;
  public: number;
  direct_download: number;
  account_id: string;
  data_center_id: string | null;
  bootable: number;
  featured: number;
  extractable: number;
  password_enabled: number;
  requires_hvm: number;
  /** JSON: name → value. */
  details: string | null;
}
/** Where an image stands in one zone. */
export interface ImageZoneRow {
  id: number;
  template_id: string;
  zone_id: string;
  state: ImageState;
  bytes: number | null;
  total: number | null;
  error: string | null;
  created: string;
  updated: string;
}
/** A copy of an image in a pool: one shared by hosts, or a host's own (`pool_id` is the host then). */
export interface PoolImageRow {
  id: number;
  pool_id: string;
  host_id: string;
  image_id: string;
  state: CopyState;
  percent: number;
  error: string | null;
  created: string;
  updated: string;
}
export interface VersionRow extends ObjectRow {
  name: string;
  semantic_version: string;
  iso_id: string;
  zone_id: string | null;
  state: 'Enabled' | 'Disabled';
  min_cpu: number;
  min_ram_size: number;
}
export interface NetworkRow extends ObjectRow {
  name: string;
  display_text: string;
  data_center_id: string;
  network_offering_id: string;
  guest_type: string;
  state: 'Allocated' | 'Setup' | 'Implementing' | 'Implemented' | 'Shutdown' | 'Destroy';
  network_number: number;
  active_number: string | null;
  cidr: string;
  gateway: string;
  netmask: string;
  dns1: string | null;
  account_id: string;
  domain_id: string;
  vpc_id: string | null;
  acl_id: string | null;
  start_ip: string | null;
  end_ip: string | null;
  bridge: string | null;
  vlan: string | null;
  acl_type: 'Account' | 'Domain';
  network_domain: string | null;
  rules_version: number;
}
export interface PublicAddressRow {
  id: number;
  uuid: string;
  public_ip_address: string;
  data_center_id: string;
  state: 'Free' | 'Allocating' | 'Allocated' | 'Releasing';
  source_nat: number;
  network_id: string | null;
  account_id: string | null;
  allocated: string | null;
  vpc_id: string | null;
  vlan_id: string | null;
}
/** Add: wanted, not confirmed by the gateway. Revoke: no longer wanted, perhaps still on the gateway. */
export type RuleState = 'Add' | 'Active' | 'Revoke';
export interface FirewallRuleRow {
  id: number;
  uuid: string;
  purpose: 'Firewall' | 'PortForwarding' | 'LoadBalancing';
  network_id: string;
  ip_address_id: string;
  protocol: string;
  start_port: number;
  end_port: number;
  private_port: number | null;
  vm_id: string | null;
  name: string | null;
  created: string;
  state: RuleState;
  user_made: number;
  cidr_list: string | null;
  icmp_type: number | null;
  icmp_code: number | null;
  private_end_port: number | null;
  guest_ip: string | null;
  algorithm: string | null;
  description: string | null;
  related_id: string | null;
  slot: string;
}
export interface EgressRuleRow {
  id: number;
  uuid: string;
  network_id: string;
  protocol: string;
  start_port: number | null;
  end_port: number | null;
  icmp_type: number | null;
  icmp_code: number | null;
  cidr_list: string | null;
  dest_cidr_list: string | null;
  state: RuleState;
  created: string;
}
export interface BalancerMemberRow {
  id: number;
  rule_id: string;
  vm_id: string;
  ip_address: string | null;
  state: RuleState;
  created: string;
}
export interface VpcOfferingRow extends ObjectRow {
  name: string;
  display_text: string;
  state: string;
  services: string;
}
export interface VpcRow extends ObjectRow {
  name: string;
  display_text: string;
  data_center_id: string;
  vpc_offering_id: string;
  state: 'Enabled' | 'Inactive';
  cidr: string;
  network_domain: string | null;
  rules_version: number;
  account_id: string;
  domain_id: string;
}
export interface AclRow extends ObjectRow {
  name: string;
  description: string;
  vpc_id: string | null;
}
export interface AclItemRow {
  id: number;
  uuid: string;
  acl_id: string;
  number: number;
  protocol: string;
  start_port: number | null;
  end_port: number | null;
  icmp_type: number | null;
  icmp_code: number | null;
  cidr_list: string;
  traffic_type: 'Ingress' | 'Egress';
  action: 'Allow' | 'Deny';
  state: RuleState;
  reason: string | null;
  created: string;
}
export interface NetworkChangeRow {
  id: number;
  job_id: string;
  network_id: string | null;
  vpc_id: string | null;
  kind: NetworkChangeKind;
  object_id: string;
  name: string;
  /** JSON: what is put back when the gateway fails (`WasBefore`). */
  was: string | null;
  user_id: string;
  /** The owner of what is changed. */
  account_id: string;
  domain_id: string;
  created: string;
  ended: string | null;
}
export interface VmRow extends ObjectRow {
  name: string;
  instance_name: string;
  display_name: string;
  data_center_id: string;
  host_id: string | null;
  service_offering_id: string;
  template_id: string;
  account_id: string;
  domain_id: string;
  user_id: string;
  state: string;
  vm_type: string;
  hypervisor_type: string;
  network_id: string;
  ip_address: string | null;
  mac_address: string;
  /** 0: it was imported, and its guest knows. */
  root_disk_gb: number;
  keypair: string | null;
  ssh_host_key: string | null;
  update_time: string | null;
  max_cpus: number | null;
  max_ram_mb: number | null;
  /** 0: a machine without a domain on a host of ours. */
  managed: number;
  user_data_id: string | null;
}
export interface SshKeyPairRow {
  id: number;
  uuid: string;
  keypair_name: string;
  account_id: string;
  domain_id: string;
  fingerprint: string;
  public_key: string;
  created: string;
}
export interface ClusterRow extends ObjectRow {
  name: string;
  description: string;
  zone_id: string;
  kubernetes_version_id: string | null;
  service_offering_id: string | null;
  control_node_service_offering_id: string | null;
  worker_node_service_offering_id: string | null;
  etcd_node_service_offering_id: string | null;
  template_id: string | null;
  network_id: string | null;
  control_node_count: number;
  node_count: number;
  etcd_node_count: number;
  account_id: string;
  domain_id: string;
  state: ClusterState;
  generation: number;
  reason: string | null;
  key_pair: string | null;
  cores: number;
  memory: number;
  node_root_disk_size: number;
  endpoint: string;
  autoscaling_enabled: number;
  minsize: number | null;
  maxsize: number | null;
  cluster_type: 'CloudManaged' | 'ExternalManaged';
  csi_enabled: number;
  target_version_id: string | null;
  control_node_template_id: string | null;
  worker_node_template_id: string | null;
  etcd_node_template_id: string | null;
  cni_config_id: string | null;
  cni_config_details: string | null;
  hypervisor: string | null;
  probed: string | null;
  certificates_end: string | null;
}
export { NODE_PHASES, type NodePhase } from '../workflows/model/node-phase.js';
export type NodeRole = 'control' | 'worker' | 'etcd';
export interface VmMapRow {
  id: number;
  cluster_id: string;
  vm_id: string;
  role: NodeRole;
  role_index: number;
  control_node: number;
  etcd_node: number;
  external_node: number;
  manual_upgrade: number;
  kubernetes_node_version: string | null;
  phase: NodePhase;
  added_by: string | null;
  /** The machine in whose place it was made, which has left by now or will. */
  replaces: string | null;
  draining: number;
  staged_version: string | null;
}
export type OperationState = 'queued' | 'running' | 'paused' | 'undoing' | 'succeeded' | 'failed' | 'cancelled';
export interface OperationRow {
  id: number;
  uuid: string;
  root_id: string;
  attempt: number;
  kind: OperationKind;
  mode: 'run' | 'undo';
  cluster_id: string;
  active_cluster_id: string | null;
  state: OperationState;
  from_state: ClusterState;
  job_id: string;
  account_id: string;
  user_id: string;
  settings: string;
  /** JSON: what was asked for (`OperationRequest`); null where the kind says it all. */
  params: string | null;
  /** 0: never; 1: it shall pause; 2: it shall go on again. */
  pause_requested: 0 | 1 | 2;
  stop_requested: 'cancel' | 'supersede' | null;
  fault: string | null;
  reason: string | null;
  leftovers: string | null;
  run_id: string | null;
  created: string;
  started: string | null;
  ended: string | null;
}
export type { StepState } from '../workflows/model/step-state.js';
export interface StepRow {
  operation_id: string;
  line: number;
  parent: number | null;
  after_lines: string;
  title: string;
  kind: string;
  state: StepState;
  skip: string | null;
  began: string | null;
  ended: string | null;
  seconds: number | null;
  attempts: number;
  note: string | null;
}
export interface JobRow extends ObjectRow {
  job_cmd: string;
  instance_type: string | null;
  account_id: string;
  user_id: string;
  job_status: 0 | 1 | 2;
  job_result_code: number;
  /** JSON: `{"object":"kubernetescluster","id":"…"}`, `{"success":true}`, `{"operation":"…"}`, or `{"errorcode":530,"errortext":"…"}`. */
  job_result: string | null;
  /** The operation whose end this job waits for, when it is not the operation's own job. */
  operation_id: string | null;
}
export interface EventRow {
  id: number;
  uuid: string;
  type: string;
  state: string;
  level: string;
  description: string;
  user_id: string | null;
  account_id: string;
  domain_id: string;
  resource_type: string | null;
  resource_id: string | null;
  start_id: string | null;
  created: string;
}
export interface UserDataRow {
  id: number;
  uuid: string;
  name: string;
  account_id: string;
  domain_id: string;
  /** Base64, as it was registered. */
  data: string;
  /** Names of its variables, comma-separated. */
  params: string | null;
  /** 1: a CNI configuration. */
  for_cks: number;
  created: string;
}
export interface ProjectRow extends ObjectRow {
  name: string;
  display_text: string;
  domain_id: string;
  project_account_id: string;
  state: 'Active';
  active_name: string | null;
}
export interface MachineChangeRow {
  id: number;
  job_id: string;
  vm_id: string;
  active_vm_id: string | null;
  kind: MachineChangeKind;
  /** JSON: `MachineChangeParams`. */
  params: string;
  limit_seconds: number;
  attempt: number;
  run_id: string | null;
  user_id: string;
  created: string;
  ended: string | null;
}
