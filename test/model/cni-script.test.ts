import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cniScript } from '../../workflows/model/cni-script.js';
import { variablesOf } from '../../workflows/model/placeholders.js';

/** The sample of the user documentation, indented as it stands there. */
const CALICO = `#cloud-config
   - for i in {1..3}; do curl https://raw.githubusercontent.com/projectcalico/calico/v3.28.0/manifests/calico.yaml -o /home/cloud/calico.yaml && break || sleep 5; done
   - until [ -f /home/cloud/success ]; do sleep 5; done
   - echo "Kubectl apply file"
   - for i in {1..3}; do sudo /opt/bin/kubectl create -f /home/cloud/calico.yaml && break || sleep 5; done
   - export PATH=$PATH:/home/cloud
   - |
      cat << 'EOF' > /home/cloud/create-configs.sh
      #!/bin/bash
      cat << 'EOL' > /home/cloud/bgp-config.yaml
      apiVersion: crd.projectcalico.org/v1
      kind: BGPConfiguration
      metadata:
         name: default
      spec:
         logSeverityScreen: Debug
         asNumber: {{ AS_NUMBER }}
      EOL
      cat << 'EOL' > /home/cloud/bgp-peer.yaml
      apiVersion: crd.projectcalico.org/v1
      kind: BGPPeer
      metadata:
         name: bgp-peer-1
      spec:
         peerIP: {{ ds.meta_data.peer_ip_address }}
         asNumber: {{ ds.meta_data.peer_as_number }}
      EOL
      EOF
   - chmod +x /home/cloud/create-configs.sh
   - /home/cloud/create-configs.sh
   - for i in {1..3}; do sudo /opt/bin/kubectl apply -f /home/cloud/bgp-config.yaml && break || sleep 5; done
   - for i in {1..3}; do sudo /opt/bin/kubectl apply -f /home/cloud/bgp-peer.yaml && break || sleep 5; done
`;
const VALUES = { AS_NUMBER: '65145', peer_ip_address: '192.0.2.7', peer_as_number: '65200' };

const base64 = (text: string) => Buffer.from(text).toString('base64');
const scriptOf = (text: string, values: Record<string, string> = {}) =>
  Buffer.from(cniScript(base64(text), values), 'base64').toString();

/** A node's root with programs that write down how they were called. */
class Node {
  readonly root = mkdtempSync(path.join(tmpdir(), 'cks-cni-'));
  constructor() {
    mkdirSync(path.join(this.root, 'opt/bin'), { recursive: true });
    mkdirSync(path.join(this.root, 'bin'), { recursive: true });
    const log = path.join(this.root, 'calls');
    writeFileSync(log, '');
    this.program('opt/bin/kubectl', `#!/bin/bash\nprintf '%s\\n' "kubectl $*" >> ${log}\n`);
    this.program('bin/curl', `#!/bin/bash\nprintf '%s\\n' "curl $*" >> ${log}\n`);
    this.program('bin/sudo', `#!/bin/bash\nexec "$@"\n`);
  }
  private program(name: string, text: string) {
    writeFileSync(path.join(this.root, name), text);
    chmodSync(path.join(this.root, name), 0o755);
  }
  run(script: string): string[] {
    const here = script
      .replaceAll(/\/(home\/cloud|opt\/bin|root)\b/g, (found) => `${this.root}${found}`)
      .replaceAll(/^([A-Za-z0-9+/=]{20,})$/gm, (line) =>
        base64(
          Buffer.from(line, 'base64')
            .toString()
            .replaceAll(/\/(home\/cloud|opt\/bin)\b/g, (found) => `${this.root}${found}`),
        ),
      );
    execFileSync('bash', ['-c', here], {
      env: { PATH: `${this.root}/bin:${process.env['PATH']}`, KUBECONFIG: `${this.root}/admin.conf` },
      stdio: 'pipe',
    });
    return this.read('calls').trimEnd().replaceAll(this.root, '').split('\n');
  }
  read(name: string): string {
    return readFileSync(path.join(this.root, name), 'utf8');
  }
  stop() {
    rmSync(this.root, { recursive: true, force: true });
  }
}

let node: Node;
beforeEach(() => (node = new Node()));
afterEach(() => node.stop());

test('the Calico sample of the user documentation runs as it does in the original, with its values', () => {
  const calls = node.run(scriptOf(CALICO, VALUES));
  expect(calls).toEqual([
    'curl https://raw.githubusercontent.com/projectcalico/calico/v3.28.0/manifests/calico.yaml -o /home/cloud/calico.yaml',
    'kubectl create -f /home/cloud/calico.yaml',
    'kubectl apply -f /home/cloud/bgp-config.yaml',
    'kubectl apply -f /home/cloud/bgp-peer.yaml',
  ]);
  expect(node.read('home/cloud/bgp-config.yaml')).toContain('   asNumber: 65145\n');
  expect(node.read('home/cloud/bgp-peer.yaml')).toContain('   peerIP: 192.0.2.7\n   asNumber: 65200\n');
});

test('the variables of a text are found, each once', () => {
  expect(variablesOf(`${CALICO}{{AS_NUMBER}}`)).toEqual(['AS_NUMBER', 'peer_ip_address', 'peer_as_number']);
});

test('a cloud-config writes its files first, then runs its commands; arguments in lists stay apart', () => {
  const script = scriptOf(
    `#cloud-config
write_files:
  - path: /home/cloud/a b.yaml
    permissions: '0600'
    content: |
      cidr: {{ POD_CIDR }}
      quote: '"$HOME
runcmd:
  - [kubectl, apply, -f, "/home/cloud/a b.yaml", "it's"]
  - kubectl version
`,
    { POD_CIDR: '10.244.0.0/16' },
  );
  expect(node.run(script)).toEqual(["kubectl apply -f /home/cloud/a b.yaml it's", 'kubectl version']);
  expect(node.read('home/cloud/a b.yaml')).toBe(`cidr: 10.244.0.0/16\nquote: '"$HOME\n`);
});

test('manifests are applied as they are, only filled', () => {
  const manifests = `apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {mode: "0400", asn: "{{ ds.meta_data.asn }}"}
---
apiVersion: v1
kind: Secret
metadata: {name: two}
`;
  expect(node.run(scriptOf(manifests, { asn: '64512' }))).toEqual([
    'kubectl apply --server-side --force-conflicts -f /home/cloud/cni-configuration.yaml',
  ]);
  expect(node.read('home/cloud/cni-configuration.yaml')).toBe(manifests.replace('{{ ds.meta_data.asn }}', '64512'));
});

test('a shell script is run by its own interpreter, and its end is the end', () => {
  expect(node.run(scriptOf('#!/bin/bash\nkubectl get {{ WHAT }}\n', { WHAT: 'nodes' }))).toEqual(['kubectl get nodes']);
  expect(() => node.run(scriptOf('#!/bin/sh\nexit 3\n'))).toThrow(/Command failed/);
});

test('what jinja needs in the original is left out (report 26)', () => {
  expect(scriptOf('## template: jinja\n#cloud-config\nruncmd:\n  - kubectl version\n')).toMatch(/\nkubectl version\n$/);
});

test.each([
  [CALICO, { AS_NUMBER: '1', peer_ip_address: 'x' }, /needs a value for peer_as_number: give cniconfigdetails\[0\]\.peer_as_number$/],
  ['- echo {{ AS_NUMBER }}', {}, /needs a value for AS_NUMBER: give asnumber$/],
  ['- echo {{ A | upper }}', { A: 'a' }, /cannot be filled: {{ A \| upper }}/],
  ['- echo {% if x %}', {}, /cannot be filled: {% if x %}/],
  ['packages: [curl]\nruncmd: []', {}, /has packages: of a cloud-config only/],
  ['just words', {}, /is not understood/],
  ['', {}, /is not understood/],
  ['- a: b', {}, /Command 1 .*Quote the whole line/],
  ['- "a\n', {}, /is not YAML/],
  ['#!/usr/bin/python3\n', {}, /expected a shell script/],
  ['write_files: [{path: etc/x}]', {}, /File 1 of write_files lacks a path/],
] as const)('%s is refused: %#', (text, values, words) => {
  expect(() => cniScript(base64(text), values)).toThrow(words);
}); // prettier-ignore

test.each([
  '1; reboot',
  '$(reboot)',
  '`reboot`',
  "'",
  '"',
  'a b',
  'a\nb',
  '\\',
  '<x',
  '|',
  '&',
  '~',
  '*',
  '{',
  '!',
  '#',
])('the value %j is refused by the name of its variable', (value) => {
  expect(() => cniScript(base64('- echo {{ V }}'), { V: value })).toThrow(/^The value of V becomes part of commands/);
});
