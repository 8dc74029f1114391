import { randomBytes } from 'node:crypto';
import { writeDetail } from '../../db/clusters.js';
import { readNodes } from '../../db/nodes.js';
import { readSecret, Secret, writeSecret } from '../../db/secret.js';
import { fault, textOf } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import { kubeconfigEnd, recordCertificates } from '../certificates.js';
import type { Deps } from '../deps.js';
import { endpointOf } from '../endpoint.js';
import { waitFor } from '../wait.js';
import { componentActivities } from './components.js';
import { etcdActivities, externalEtcd } from './etcd.js';
import { Guests, isUnreachable } from './guest.js';
import { installInput } from './install-input.js';
import { startAgain } from './start-again.js';
import { upgradeActivities } from './upgrade.js';

const POD_CIDR = '10.244.0.0/16';

/** A guest over SSH: kubeadm and what surrounds it, one named step at a time. */
export const nodeActivities = (deps: Deps) => {
  const { db, sealer, pollMs } = deps;
  const guests = new Guests(deps);

  return {
    ...etcdActivities(guests),
    ...upgradeActivities(guests),
    ...componentActivities(guests),

    /** Returns once the node answers on SSH with the host key that it was made with. */
    async waitReachable(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const startIfOff = startAgain(deps, context);
      const reach = () =>
        guests.reach(context).catch(async (error: unknown) => {
          throw isUnreachable(error) ? fault('NodeUnreachable', `${textOf(error)}${await startIfOff()}`) : error;
        });
      await waitFor(pollMs, reach, isUnreachable, guests.seen(ref));
      await guests.advance(context, 'reachable');
    },

    async install(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const version = context.version?.semantic_version ?? '';
      const settings = await guests.settings(ref.operationId);
      await guests.run(context, 'install', ref.operationId, () => installInput(node.role, version, settings));
      await guests.advance(context, 'installed', node.role === 'etcd' ? undefined : version);
    },

    async init(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const { vm, version, cluster } = context;
      await guests.run(context, 'init', ref.operationId, async () => ({
        version: version?.semantic_version ?? '',
        name: vm.name,
        address: vm.ip_address ?? '',
        endpoint: await endpointOf(db, cluster),
        pod_cidr: POD_CIDR,
        ...(cluster.cni_config_id !== null && { network: 'no' }),
        ...(await externalEtcd(deps, cluster, vm)),
      }));
      await guests.advance(context, 'joined');
    },

    /** Leaves the cluster's admin kubeconfig sealed, its server the public endpoint, and its CA and its hash known. */
    async storeKubeconfig(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const key = `${ref.operationId}-${ref.line}`;
      const { kubeconfig, ca, ca_hash } = await guests.run(context, 'kubeconfig', key, () => ({}));
      const text = Buffer.from(String(kubeconfig), 'base64').toString('utf8');
      if (!text.includes('certificate-authority-data'))
        throw fault('NodeFailed', `${context.vm.name}: its admin.conf is not a kubeconfig`);
      const published = text.replace(
        /server: https:\/\/\S+/,
        `server: https://${await endpointOf(db, context.cluster)}`,
      );
      await writeDetail(db, ref.clusterId, 'caHash', String(ca_hash));
      await writeDetail(db, ref.clusterId, 'caCert', Buffer.from(String(ca), 'base64').toString('utf8'));
      await writeSecret(db, sealer, `cluster/${ref.clusterId}`, 'kubeconfig', new Secret(published));
      const ends = kubeconfigEnd(text);
      if (ends) await recordCertificates(db, ref.clusterId, context.vm.uuid, ends);
    },

    /** Joins with a certificate key and a token that were made for this join: certificates are uploaded by a control node that has joined. */
    async joinControl(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const certificateKey = new Secret(randomBytes(32).toString('hex'));
      const values = async () => {
        const from = await guests.survivor(ref.clusterId, node);
        await guests.run(from, 'share', `${node.index}-${randomBytes(8).toString('hex')}`, () => ({
          certificate_key: certificateKey.reveal(),
        }));
        return {
          ...(await guests.joinValues(context)),
          role: 'control',
          certificate_key: certificateKey.reveal(),
        };
      };
      await guests.run(context, 'join', ref.operationId, values);
      await guests.advance(context, 'joined');
    },

    async joinWorker(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      await guests.run(context, 'join', ref.operationId, async () => ({
        ...(await guests.joinValues(context)),
        role: 'worker',
      }));
      await guests.advance(context, 'joined');
    },

    /** Leaves the machine without anything of the cluster on it. */
    async reset(ref: StepRef, node: NodeRef): Promise<void> {
      const known = (await readNodes(db, ref.clusterId)).some(
        (one) => one.role === node.role && one.role_index === node.index,
      );
      if (known) await guests.runStep(ref, await guests.open(ref.clusterId, node), 'reset');
    },

    /** Leaves containerd on the node with the cluster's private registry; its password goes from the sealed secret to the node only. */
    async configureRegistry(ref: StepRef, node: NodeRef): Promise<void> {
      const context = await guests.open(ref.clusterId, node);
      const sealed = await readSecret(db, sealer, `cluster/${ref.clusterId}`, 'registry');
      if (!sealed) throw fault('Internal', 'the private registry of the cluster is not known');
      await guests.runStep(ref, context, 'registry', () => JSON.parse(sealed.reveal()) as Record<string, string>);
    },
  };
};
