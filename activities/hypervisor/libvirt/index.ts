import { setTimeout as sleep } from 'node:timers/promises';
import { imageName, type Hypervisor } from '../driver.js';
import { isFault } from '../../is-fault.js';
import type { LibvirtChildren, Signal } from './children.js';
import { identityFault } from './identity.js';
import { checkName, checkUuid, checkWhole } from './names.js';
import type { OperationName, Operations, Target } from './protocol.js';

/** How a network reaches a host: `bridge` names what its machines are put on. */
export interface HostFabric {
  bridge(networkNumber: number): string;
  ensure(networkNumber: number): Promise<void>;
  absent(networkNumber: number): Promise<void>;
}
export interface LibvirtHost {
  target: Target;
  fabric: HostFabric;
}

const STOP_POLL_MS = 1000;

/**
 * A host with libvirt. `open` is asked at each call, since the host's keys and pool may change. Names are checked here; the child
 * does the rest.
 */
export function libvirtHypervisor(
  children: LibvirtChildren,
  open: () => Promise<LibvirtHost>,
  signal?: Signal,
): Hypervisor {
  const call = async <N extends OperationName>(operation: N, ...args: Operations[N]['args']) => {
    const { target } = await open();
    if (target.uri.transport === 'libssh' && !target.hostKey) throw await identityFault(target);
    try {
      return await children.call(target, operation, args, signal?.());
    } catch (error) {
      throw isFault(error, 'HostIdentity') && target.hostKey ? await identityFault(target) : error;
    }
  };
  const machine = (name: string) => checkName('domain', name);
  const volume = (name: string) => checkName('volume', name);

  return {
    readFacts: () => call('facts'),
    listDomains: () => call('domains'),
    listVolumes: () => call('volumes'),
    async ensureImage(image, file) {
      const name = volume(imageName(image));
      if (await call('hasImage', name)) return;
      const { path, bytes } = await file();
      await call('putImage', { kind: image.kind, id: image.id, format: image.format }, path, bytes);
    },
    ensureImageAbsent: async (name) => call('removeImage', volume(name)),
    async ensureNetwork({ networkNumber, bridge }) {
      if (bridge !== undefined) return;
      await (await open()).fabric.ensure(checkWhole('network', networkNumber));
    },
    async ensureNetworkAbsent({ networkNumber, bridge }) {
      if (bridge !== undefined) return;
      const { fabric } = await open();
      if (await call('bridgeInUse', fabric.bridge(checkWhole('network', networkNumber)))) return;
      await fabric.absent(networkNumber);
    },
    ensureVolume: async (spec) =>
      call('putVolume', { ...spec, name: volume(spec.name), templateId: checkName('template', spec.templateId) }),
    ensureVolumeAbsent: async (name) => call('removeVolume', volume(name)),
    ensureSeed: async (seed) => {
      for (const file of Object.keys(seed.files)) checkName('file', file);
      return call('putSeed', { name: volume(seed.name), files: seed.files });
    },
    ensureSeedAbsent: async (name) => call('removeSeed', volume(name)),
    async ensureDefined(spec) {
      machine(spec.name);
      checkName('host name', spec.hostName);
      if (spec.clusterId !== '') checkName('cluster', spec.clusterId);
      volume(spec.volume);
      spec.media.forEach(volume);
      checkName('MAC address', spec.macAddress.replaceAll(':', '-'));
      for (const key of ['cpus', 'ramMb', 'maxCpus', 'maxRamMb'] as const) checkWhole(key, spec[key]);
      const { fabric } = await open();
      await call('define', {
        ...spec,
        machineId: checkUuid('machine', spec.machineId),
        maxCpus: Math.max(spec.cpus, spec.maxCpus),
        maxRamMb: Math.max(spec.ramMb, spec.maxRamMb),
        bridge: checkName('bridge', spec.bridge ?? fabric.bridge(spec.networkNumber)),
      });
    },
    ensureRunning: async (name) => call('start', machine(name)),
    async ensureStopped(name, graceSeconds) {
      if (await call('shutDown', machine(name))) return call('powerOff', name);
      const aborting = signal?.();
      for (const end = Date.now() + graceSeconds * 1000; Date.now() < end;) {
        await sleep(Math.min(STOP_POLL_MS, Math.max(1, end - Date.now())), undefined, { signal: aborting });
        if (await call('isOff', name)) return;
      }
      await call('powerOff', name);
    },
    ensureAbsent: async (name) => call('undefine', machine(name)),
    ensureAdopted: async (name, machineId) => call('adopt', machine(name), checkUuid('machine', machineId)),
    ensureLetGo: async (name, machineId) => call('letGo', machine(name), checkUuid('machine', machineId)),
    ensureMediumAttached: async (name, medium) => call('attach', machine(name), volume(medium)),
    ensureMediumDetached: async (name, medium) => call('detach', machine(name), volume(medium)),
    ensureSize: async (name, { cpus, ramMb }) =>
      call('resize', machine(name), { cpus: checkWhole('cpus', cpus), ramMb: checkWhole('ramMb', ramMb) }),
  };
}
