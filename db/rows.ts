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
}
export interface ZoneRow extends ObjectRow {
  name: string;
  networktype: string;
  hypervisor: string;
  allocation_state: string;
  gateway_url: string;
  dns1: string | null;
  guest_cidr: string;
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
}
export interface ServiceOfferingRow extends ObjectRow {
  name: string;
  display_text: string;
  cpu: number;
  speed: number;
  ram_size: number;
  state: string;
}
export interface NetworkOfferingRow extends ObjectRow {
  name: string;
  display_text: string;
  guest_type: string;
  state: string;
  egress_default_policy: number;
  services: string;
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
  state: 'Allocated' | 'Implementing' | 'Implemented' | 'Shutdown' | 'Destroy';
  network_number: number;
  active_number: string | null;
  cidr: string;
  gateway: string;
  netmask: string;
  dns1: string | null;
  account_id: string;
  domain_id: string;
}
export interface PublicAddressRow {
  id: number;
  uuid: string;
  public_ip_address: string;
  data_center_id: string;
  state: 'Free' | 'Allocated';
  source_nat: number;
  network_id: string | null;
  account_id: string | null;
  allocated: string | null;
}
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
  root_disk_gb: number;
  keypair: string | null;
  ssh_host_key: string | null;
  update_time: string | null;
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
  pause_requested: number;
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
