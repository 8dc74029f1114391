import { whyNoLibvirt } from '../../lab/libvirt/private-libvirt.js';

/** `describe`; where no libvirtd can be had the suite fails and says what is missing. */
export const describeWithLibvirt = (name: string, tests: () => void): void => {
  const why = whyNoLibvirt();
  if (why === undefined) describe(name, tests);
  else
    test(name, () => {
      throw new Error(`this machine ${why}: .ci/run says which packages these tests need`);
    });
};
