import { parseHostUrl, parseProgramUrl } from '../../workflows/model/host-url.js';

describe('the URL of a host', () => {
  test.each([
    ['qemu:///system', { host: '', name: 'localhost', tls: false }],
    ['qemu:///system?socket=/run/a/libvirt-sock&mode=direct&domain=qemu', { host: '', tls: false }],
    ['qemu+unix:///system', { transport: 'unix' }],
    ['lxc:///system', { scheme: 'lxc' }],
    ['qemu+libssh://kvm1.example/system', { host: 'kvm1.example', name: 'kvm1.example', ssh: { host: 'kvm1.example', port: 22, user: 'root' } }],
    ['qemu+libssh://ops@[2001:db8::1]:2222/system', { ssh: { host: '2001:db8::1', port: 2222, user: 'ops' } }],
    ['qemu+tls://kvm2/system', { tls: true }],
    ['simulator://127.0.0.1:18090/host-4', { scheme: 'simulator', name: 'host-4', tls: false }],
  ])('%s is one', (url, parts) => {
    const parsed = parseHostUrl(url);
    expect(parsed).toMatchObject({ url, ...parts });
    if (!('ssh' in parts)) expect(parsed).not.toHaveProperty('ssh');
  }); // prettier-ignore

  test.each([
    ['', 'is no URL'],
    ['qemu', 'is no URL'],
    ['qemu:/system', 'is no URL'],
    ['http://kvm1', 'the scheme http:// is unknown'],
    ['test:///default', 'the scheme test:// is unknown'],
    ['qemu+tcp://kvm1/system', 'nothing of it is encrypted'],
    ['qemu+libssh2://kvm1/system', 'use +libssh'],
    ['qemu+ext:///system', 'it runs a program'],
    ['qemu+rdma://kvm1/system', 'the transport +rdma is unknown'],
    ['lxc+libssh://kvm1/system', 'containers can be had on this machine only'],
    ['qemu://kvm1/system', 'does not say how its host is reached'],
    ['qemu+tls:///system', 'names no host'],
    ['qemu:///session', 'must end in /system'],
    ['qemu:///system?command=/bin/sh', 'the parameter command cannot be given'],
    ['qemu+libssh://kvm1/system?known_hosts_verify=ignore', 'the parameter known_hosts_verify cannot be given'],
    ['qemu+libssh://u:pw@kvm1/system', 'it holds a password'],
    ['qemu+libssh://u%20x@kvm1/system', 'is no user name'],
    ['qemu+libssh://-oProxyCommand=x/system', 'is no host name'],
    ['qemu+libssh://kvm1:99999/system', 'is no URL'],
    ['qemu:///system#x', 'has a part after #'],
    ['qemu:///system\n', 'has characters that no URL has'],
    ['qemu:///système', 'has characters that no URL has'],
    ['simulator:///host-4', 'names no host'],
    ['simulator+tls://h:1/x', 'the scheme simulator:// is unknown'],
    [`qemu+libssh://${'h'.repeat(200)}/system`, 'longer than 200'],
  ])('%j is none', (url, problem) => {
    expect(parseHostUrl(url)).toEqual({ problem: expect.stringContaining(problem) as string });
  });
});

describe('the URL of a gateway or fabric program', () => {
  test.each([
    ['ssh://cks-gateway@gw1', { ssh: { host: 'gw1', port: 22, user: 'cks-gateway' } }],
    ['ssh://cks-gateway@gw1:2200/', { ssh: { host: 'gw1', port: 2200, user: 'cks-gateway' } }],
    ['simulator://127.0.0.1:18090/gateway', { name: 'gateway' }],
  ])('%s is one', (url, parts) => {
    expect(parseProgramUrl(url)).toMatchObject({ url, ...parts });
  });
  test.each([
    ['ssh://gw1', 'must name user and host'],
    ['ssh://u:p@gw1', 'it holds a password'],
    ['ssh://u@gw1/etc', 'must end after its host and port'],
    ['ssh://u@gw1?x=1', 'must end after its host and port'],
    ['qemu:///system', 'the scheme qemu:// is unknown'],
    ['ssh+x://u@gw1', 'is unknown'],
  ])('%s is none', (url, problem) => {
    expect(parseProgramUrl(url)).toEqual({ problem: expect.stringContaining(problem) as string });
  });
});
