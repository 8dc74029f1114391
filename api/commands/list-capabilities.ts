import { command, EVERYONE, object, responseObject } from '../command.js';

/** The release whose behaviour is followed (design §7). */
export const CLOUDSTACK_VERSION = '4.22.1.0';

const CAPABILITY = responseObject('capability', {
  cloudstackversion: ['string', 'version of CloudStack whose API is followed'],
  kubernetesserviceenabled: ['boolean', 'true if Kubernetes Service plugin is enabled'],
  kubernetesclusterexperimentalfeaturesenabled: [
    'boolean',
    'true if experimental features of Kubernetes clusters are enabled',
  ],
  securitygroupsenabled: ['boolean', 'true if security groups support is enabled'],
  dynamicrolesenabled: ['boolean', 'true if dynamic role-based api checker is enabled'],
  userpublictemplateenabled: ['boolean', 'true if users can make public templates'],
  regionsecondaryenabled: ['boolean', 'true if region wide secondary is enabled'],
  kvmsnapshotenabled: ['boolean', 'true if snapshot is supported for KVM host'],
  supportELB: ['string', 'true if region supports elastic load balancer on basic zones'],
  projectinviterequired: ['boolean', 'if invitation confirmation is required when adding Account to project'],
  allowusercreateprojects: ['boolean', 'true if regular user is allowed to create projects'],
  allowuserviewdestroyedvm: ['boolean', 'true if the user is allowed to view destroyed machines'],
  allowuserexpungerecovervm: ['boolean', 'true if the user can recover and expunge machines'],
  allowuserexpungerecovervolume: ['boolean', 'true if the user can recover and expunge volumes'],
  allowuserviewalldomainaccounts: ['boolean', 'true if users can see all accounts of their domain'],
  allowuserforcestopvm: ['boolean', 'true if users are allowed to force stop a machine'],
  customdiskofferingminsize: ['long', 'minimum size that can be specified when creating a disk from a custom offering'],
  customdiskofferingmaxsize: ['long', 'maximum size that can be specified when creating a disk from a custom offering'],
  defaultuipagesize: ['long', 'default page size in the UI'],
  instancesstatsretentiontime: ['integer', 'the retention time for Instances stats'],
  instancesstatsuseronly: ['boolean', 'true if stats are collected only for user machines'],
  instancesdisksstatsretentionenabled: ['boolean', 'true if stats are retained for disks'],
  instancesdisksstatsretentiontime: ['integer', 'the retention time for disk stats'],
  dynamicscalingenabled: ['boolean', 'true if dynamic scaling is enabled'],
  instanceleaseenabled: ['boolean', 'true if machine lease is enabled'],
  additionalconfigenabled: ['boolean', 'true if additional configurations or extraconfig can be passed'],
});

export const listCapabilities = command({
  name: 'listCapabilities',
  description: 'Lists capabilities',
  roles: EVERYONE,
  params: {},
  response: CAPABILITY,
  async handler(ctx) {
    const settings = await ctx.settings();
    return object({
      cloudstackversion: CLOUDSTACK_VERSION,
      kubernetesserviceenabled: ctx.registry.kubernetesEnabled,
      kubernetesclusterexperimentalfeaturesenabled: settings['cloud.kubernetes.cluster.experimental.features.enabled'],
      securitygroupsenabled: false,
      dynamicrolesenabled: false,
      userpublictemplateenabled: false,
      regionsecondaryenabled: false,
      kvmsnapshotenabled: false,
      supportELB: 'false',
      projectinviterequired: false,
      allowusercreateprojects: true,
      allowuserviewdestroyedvm: false,
      allowuserexpungerecovervm: false,
      allowuserexpungerecovervolume: false,
      allowuserviewalldomainaccounts: false,
      allowuserforcestopvm: false,
      customdiskofferingminsize: 1,
      customdiskofferingmaxsize: 1024,
      defaultuipagesize: 20,
      instancesstatsretentiontime: 0,
      instancesstatsuseronly: false,
      instancesdisksstatsretentionenabled: false,
      instancesdisksstatsretentiontime: 0,
      dynamicscalingenabled: false,
      instanceleaseenabled: false,
      additionalconfigenabled: false,
    });
  },
});
