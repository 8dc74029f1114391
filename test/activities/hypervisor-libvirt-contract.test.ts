import { MEDIUM, startBed, type LibvirtBed } from '../../lab/libvirt/hosts.js';
import { describeWithLibvirt } from './describe-with-libvirt.js';
import { type HypervisorUnderTest, describeHypervisor } from './hypervisor-contract.js';

describeWithLibvirt('on a private libvirtd', () => {
  describeHypervisor('libvirt with QEMU', async () => underTest(await startBed('qemu')));
  describeHypervisor('libvirt with LXC', async () => underTest(await startBed('lxc')));
});

const underTest = (bed: LibvirtBed): HypervisorUnderTest => ({
  hypervisor: bed.driver,
  template: bed.template,
  medium: MEDIUM,
  file: bed.file,
  stop: () => bed.stop(),
});
