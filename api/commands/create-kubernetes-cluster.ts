import type { Knex } from 'knex';
import { refuseGroups, replaceClusterGroups } from '../../db/affinity.js';
import { writeDetail } from '../../db/clusters.js';
import { addCluster, addNetwork, readCreateRows, type CreateIds, type CreateRows } from '../../db/create-cluster.js';
import { Secret, writeSecret } from '../../db/secret.js';
import { readUserData } from '../../db/user-data.js';
import { readRoleGroups } from '../../workflows/model/affinity.js';
import { cniScript } from '../../workflows/model/cni-script.js';
import { transact } from '../../db/knex.js';
import { finishedJob } from '../../db/finished-job.js';
import { queueOperation } from '../../db/operations.js';
import {
  offeringPerType,
  refuseCreate,
  type CreateWish,
  type OfferingFacts,
} from '../../workflows/model/create-rules.js';
import { fault } from '../../workflows/model/fault.js';
import { LIST_REVISION, type ClusterFacts } from '../../workflows/model/operation.js';
import { quorumWarnings } from '../../workflows/model/quorum.js';
import { createClusterSteps } from '../../workflows/steps/create-cluster.js';
import { command, EVERYONE, job, type Answer, type Context } from '../command.js';
import { newOwner } from '../ownership.js';
import { startQueued } from '../operations.js';
import { OWNER, p } from '../params.js';
import { PLAN_PARAMS_TEXT, planAnswer } from '../plan-answer.js';
import { CLUSTER } from '../views/cluster.js';
import { badParameter } from '../wire/errors.js';

const DEFAULT_ROOT_GB = 8;
const NOTHING: OfferingFacts = { uuid: '', name: '', cpu: 0, ramMb: 0 };

const params = {
  name: p.string({ description: 'name for the Kubernetes cluster', required: true }),
  description: p.string({ description: 'description for the Kubernetes cluster; default: its name' }),
  zoneid: p.uuid('zone', {
    description: 'availability zone in which the Kubernetes cluster is to be launched',
    required: true,
    access: true,
  }),
  clustertype: p.string({
    description: 'type of the cluster: CloudManaged (default) or ExternalManaged',
    since: '4.19.0',
  }),
  kubernetesversionid: p.uuid('version', {
    description: 'Kubernetes version with which the cluster is to be launched',
  }),
  serviceofferingid: p.uuid('serviceOffering', { description: 'default service offering of all nodes', access: true }),
  nodeofferings: p.map({
    description: 'offering per node type: nodeofferings[0].node=control|worker|etcd, nodeofferings[0].offering=<id>',
    since: '4.21.0',
  }),
  nodetemplates: p.map({
    description: 'template per node type: nodetemplates[0].node, nodetemplates[0].template',
    since: '4.21.0',
  }),
  size: p.long({ description: 'number of worker nodes' }),
  controlnodes: p.long({ description: 'number of control nodes, default 1' }),
  masternodes: p.long({ description: 'deprecated and ignored: use controlnodes' }),
  etcdnodes: p.long({ description: 'number of dedicated etcd nodes, default 0', since: '4.21.0' }),
  networkid: p.uuid('network', {
    description: 'network of the nodes; else one is created and deleted with the cluster',
    access: 'use',
  }),
  externalloadbalanceripaddress: p.string({
    description: 'address of a load balancer of your own; shared networks only',
  }),
  keypair: p.string({ description: 'name of the SSH key pair to log in to the nodes with' }),
  noderootdisksize: p.long({ description: 'root disk size of the nodes in GB; default and minimum 8' }),
  hypervisor: p.string({ description: 'hypervisor of the hosts to use', since: '4.21.0' }),
  dockerregistryusername: p.string({ description: 'user name for a private registry (experimental)' }),
  dockerregistrypassword: p.string({ description: 'password for a private registry (experimental)', sensitive: true }),
  dockerregistryurl: p.string({ description: 'URL of a private registry (experimental)' }),
  cniconfigurationid: p.uuid('cniConfiguration', { description: 'CNI configuration', since: '4.21.0' }),
  cniconfigdetails: p.details({
    description: 'values of the CNI configuration: cniconfigdetails[0].VARIABLE=value',
    since: '4.21.0',
  }),
  asnumber: p.long({ description: 'AS number of a dynamically routed network', since: '4.21.0' }),
  nodeaffinitygroups: p.map({
    description:
      'affinity groups per node type: nodeaffinitygroups[0].node=control|worker|etcd, nodeaffinitygroups[0].affinitygroup=<id>,<id>',
    since: '4.23.0',
  }),
  enablecsi: p.boolean({ description: 'install the CloudStack CSI driver', since: '4.22.0' }),
  ...OWNER,
  dryrun: p.boolean({ description: PLAN_PARAMS_TEXT.dryrun }),
  planhash: p.string({ description: PLAN_PARAMS_TEXT.planhash }),
};

/** Validates and writes cluster, network, operation and job in one go; the work itself is the job. */
export const createKubernetesCluster = command({
  name: 'createKubernetesCluster',
  description: 'Creates a Kubernetes cluster',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params,
  response: CLUSTER,
  async handler(ctx, asked) {
    const clusterType = asked.clustertype ?? 'CloudManaged';
    if (clusterType !== 'CloudManaged' && clusterType !== 'ExternalManaged') {
      throw badParameter(
        `Invalid value for clustertype: expected CloudManaged or ExternalManaged, found "${clusterType}"`,
        4350,
      );
    }
    const owner = await newOwner(ctx, asked);
    const settings = await ctx.settings(owner.accountId);
    const wish: CreateWish = {
      name: asked.name,
      size: asked.size,
      controlNodes: asked.controlnodes ?? 1,
      etcdNodes: asked.etcdnodes ?? 0,
      rootDiskGb: asked.noderootdisksize,
      externalBalancer: asked.externalloadbalanceripaddress,
      keypair: asked.keypair,
      registry: [asked.dockerregistryusername, asked.dockerregistrypassword, asked.dockerregistryurl],
      hypervisor: asked.hypervisor,
      networkGiven: asked.networkid !== undefined,
      nodeOfferings: (asked.nodeofferings ?? []).map(({ node, offering }) => ({ node, offering })),
      nodeTemplates: (asked.nodetemplates ?? []).map(({ node, template }) => ({ node, template })),
    };
    const ids: CreateIds = {
      zoneId: asked.zoneid,
      versionId: asked.kubernetesversionid,
      offeringId: asked.serviceofferingid,
      networkId: asked.networkid,
      templateId: undefined,
      ...owner,
    };
    if (clusterType === 'ExternalManaged') return createExternal(ctx, wish, ids, asked);

    const read = readRoleGroups(asked.nodeaffinitygroups ?? []);
    if ('problem' in read) throw fault('Refused', read.problem);
    const { groups } = read;
    const rows = await readCreateRows(ctx.db, ids, wish, settings, groups);
    const refusal = (await refuseGroups(ctx.db, groups, owner.accountId)) ?? refuseCreate(wish, rows.facts);
    if (refusal !== undefined) throw fault('Refused', refusal);
    const { zone, networkOffering, template } = rows;
    if (!zone || !networkOffering || !template)
      throw fault('Internal', 'the rules passed a create that lacks its zone, offering or template');
    const cni = await cniValues(ctx, asked);
    const size = asked.size ?? 0;
    const warnings = quorumWarnings({ controls: wish.controlNodes, etcd: wish.etcdNodes });
    const planned = planAnswer(createClusterSteps(newFacts(wish, size, asked, rows), settings), asked, warnings);
    if (planned) return planned;

    const offerings = offeringPerType(wish, rows.facts);
    const per = (type: string) => wish.nodeOfferings.find(({ node }) => node?.toLowerCase() === type)?.offering;
    const counts = [['control', wish.controlNodes], ['worker', size], ['etcd', wish.etcdNodes]] as const; // prettier-ignore
    const sum = (of: (offering: OfferingFacts) => number) =>
      counts.reduce((total, [type, count]) => total + count * of(offerings.get(type) ?? NOTHING), 0);
    const templateOf = (type: string) => wish.nodeTemplates.find(({ node }) => node?.toLowerCase() === type)?.template;
    const account = await ctx
      .db('account')
      .where({ uuid: owner.accountId })
      .first<{ account_name: string }>('account_name');
    const { cluster, queued } = await transact(ctx.db, async (trx) => {
      const networkId =
        asked.networkid ??
        (await addNetwork(trx, zone, networkOffering, `${asked.name}-network`, {
          ...owner,
          accountName: account.account_name,
        }));
      const cluster = await addCluster(trx, {
        ...ids,
        networkId,
        name: asked.name,
        description: asked.description ?? asked.name,
        templateId: template.uuid,
        networkOwned: asked.networkid === undefined,
        controlOfferingId: per('control'),
        workerOfferingId: per('worker'),
        etcdOfferingId: per('etcd'),
        offeringId: asked.serviceofferingid ?? per('default'),
        controlNodes: wish.controlNodes,
        workers: size,
        etcdNodes: wish.etcdNodes,
        keypair: asked.keypair,
        rootDiskGb: asked.noderootdisksize ?? DEFAULT_ROOT_GB,
        clusterType,
        state: 'Created',
        cores: sum(({ cpu }) => cpu),
        memoryMb: sum(({ ramMb }) => ramMb),
        enableCsi: asked.enablecsi ?? false,
        controlTemplateId: templateOf('control'),
        workerTemplateId: templateOf('worker'),
        etcdTemplateId: templateOf('etcd'),
        hypervisor: asked.hypervisor,
        cniConfigurationId: asked.cniconfigurationid,
        cniValues: cni,
      });
      await replaceClusterGroups(trx, cluster, groups);
      await addDetails(trx, ctx, cluster.uuid, asked);
      const caller = { accountId: ctx.caller.account.uuid, userId: ctx.caller.user.uuid };
      const queued = await queueOperation(trx, {
        kind: 'create',
        cluster,
        caller,
        settings,
        command: 'createKubernetesCluster',
      });
      return { cluster, queued };
    });
    await startQueued(ctx, queued);
    return job(queued.jobId, cluster.uuid);
  },
});

/** What a create knows before anything is there: the plan is built from the same facts as the run. */
const newFacts = (
  wish: CreateWish,
  size: number,
  asked: { enablecsi?: boolean; cniconfigurationid?: string },
  { network }: CreateRows,
): ClusterFacts => ({
  revision: LIST_REVISION,
  clusterId: '',
  clusterName: wish.name,
  clusterType: 'CloudManaged',
  state: 'Created',
  controlCount: wish.controlNodes,
  workerCount: size,
  etcdCount: wish.etcdNodes,
  nodes: [],
  request: {},
  version: null,
  target: null,
  networkState: 'Allocated',
  networkOwned: !wish.networkGiven,
  networkShared: network?.guest_type === 'Shared',
  hasRules: false,
  hasVerifiedRules: false,
  hasKeys: false,
  hasKubeconfig: false,
  hasProtection: false,
  autoscaling: false,
  csi: asked.enablecsi ?? false,
  registry: hasRegistry(wish),
  cniConfiguration: asked.cniconfigurationid !== undefined,
  components: [],
});

const hasRegistry = (wish: CreateWish): boolean => wish.registry.every(Boolean);

/** Values of the CNI configuration, checked against it: a variable without a value is refused here, not on the node. */
async function cniValues(
  ctx: Context,
  asked: { cniconfigurationid?: string; cniconfigdetails?: Readonly<Record<string, string>>; asnumber?: number },
): Promise<Record<string, string> | undefined> {
  if (asked.cniconfigurationid === undefined) return undefined;
  const row = await readUserData(ctx.db, asked.cniconfigurationid);
  if (!row || row.for_cks !== 1) throw fault('Refused', `There is no CNI configuration ${asked.cniconfigurationid}`);
  const values = {
    ...asked.cniconfigdetails,
    ...(asked.asnumber !== undefined && { AS_NUMBER: String(asked.asnumber) }),
  };
  cniScript(row.data, values);
  return values;
}

/** What the cluster keeps beside its row; the registry's credentials are sealed. */
async function addDetails(
  trx: Knex.Transaction,
  ctx: Context,
  clusterId: string,
  asked: {
    dockerregistryurl?: string; dockerregistryusername?: string; dockerregistrypassword?: string; externalloadbalanceripaddress?: string;
  }, // prettier-ignore
): Promise<void> {
  const { dockerregistryurl: url, dockerregistryusername: username, dockerregistrypassword: password } = asked;
  if (url && username && password) {
    await writeDetail(trx, clusterId, 'dockerregistryurl', url);
    await writeDetail(trx, clusterId, 'dockerregistryusername', username);
    await writeSecret(
      trx,
      ctx.sealer,
      `cluster/${clusterId}`,
      'registry',
      new Secret(JSON.stringify({ url, username, password })),
    );
  }
  if (asked.externalloadbalanceripaddress)
    await writeDetail(trx, clusterId, 'externalloadbalanceripaddress', asked.externalloadbalanceripaddress);
}

/** A cluster that somebody else runs: only its row (`api.md` §2.5 "ExternalManaged"). */
async function createExternal(
  ctx: Context,
  wish: CreateWish,
  ids: CreateIds,
  asked: { description?: string; dryrun?: boolean; planhash?: string },
): Promise<Answer> {
  if (wish.name.trim() === '') throw fault('Refused', 'Invalid name for the Kubernetes cluster: it is empty');
  const rows = await readCreateRows(ctx.db, ids, wish, await ctx.settings(ids.accountId));
  if (wish.keypair !== undefined && !rows.facts.keypairExists)
    throw fault('Refused', `There is no SSH key pair named "${wish.keypair}" in the owner's account`);
  const planned = planAnswer([], asked);
  if (planned) return planned;
  const nodes = wish.controlNodes + (wish.size ?? 0);
  const offering = rows.facts.offerings.get(ids.offeringId ?? '');
  const { cluster, jobId } = await transact(ctx.db, async (trx) => {
    const cluster = await addCluster(trx, {
      ...ids,
      name: wish.name,
      description: asked.description ?? wish.name,
      networkOwned: false,
      controlOfferingId: undefined,
      workerOfferingId: undefined,
      etcdOfferingId: undefined,
      controlNodes: wish.controlNodes,
      workers: wish.size ?? 0,
      etcdNodes: 0,
      keypair: wish.keypair,
      rootDiskGb: wish.rootDiskGb ?? DEFAULT_ROOT_GB,
      clusterType: 'ExternalManaged',
      state: 'Running',
      cores: nodes * (offering?.cpu ?? 0),
      memoryMb: nodes * (offering?.ramMb ?? 0),
      enableCsi: false,
    });
    const jobId = await finishedJob(trx, {
      command: 'createKubernetesCluster',
      accountId: ctx.caller.account.uuid,
      userId: ctx.caller.user.uuid,
      result: { object: 'kubernetescluster', id: cluster.uuid },
    });
    return { cluster, jobId };
  });
  return job(jobId, cluster.uuid);
}
