import yaml from 'js-yaml';
import { fault, textOf } from './fault.js';
import { fill } from './placeholders.js';

/**
 * What a CNI configuration may be (`behaviour.md` §5.14): the items that continue `runcmd` of a cloud-config, a cloud-config
 * with `runcmd` and `write_files`, manifests, or a shell script.
 */
interface FileToWrite {
  path: string;
  content: string;
  permissions: string;
}
type Command = string | string[];

/**
 * Characters of values. A value may stand in a command, in quotes or out of them, in a here-document, in a manifest: what is safe
 * in all of these means nothing to a shell and cannot end a YAML scalar.
 */
const PLAIN = /^[A-Za-z0-9_.,:@%+=/[\]-]*$/;

/**
 * A bash script, in base64, that applies a registered CNI configuration. It runs once, as root, on the first control node when the
 * API answers, with the admin's kubeconfig in `KUBECONFIG`.
 *
 * `fragment`: base64, as registered. `values`: by variable; `AS_NUMBER` is the network's AS number.
 * Throws `BadParameter` that names a missing value, a value that is not safe everywhere, or what of the text is not understood.
 */
export function cniScript(fragment: string, values: Readonly<Record<string, string>>): string {
  const text = Buffer.from(fragment, 'base64')
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .replace(/\r\n/g, '\n')
    .replace(/^## template: jinja *\n/, '');
  const filled = fill(text, values, plain);
  const script = filled.startsWith('#!') ? fromScript(filled) : fromYaml(filled);
  return Buffer.from(`${HEAD}${script}`, 'utf8').toString('base64');
}

/**
 * Fragments made for the original wait for its file of success, call `sudo /opt/bin/kubectl`, which drops KUBECONFIG, and have
 * their home in /home/cloud.
 */
const HEAD = `#!/bin/bash
export HOME=/root PATH=/opt/bin:$PATH
mkdir -p /home/cloud /root/.kube
touch /home/cloud/success
[ -e /root/.kube/config ] || ln -s "$KUBECONFIG" /root/.kube/config
cd /home/cloud || exit 1
`;

const plain = (name: string, value: string): string => {
  if (!PLAIN.test(value))
    throw fault(
      'BadParameter',
      `The value of ${name} becomes part of commands and manifests, so it may hold letters, digits and _.,:@%+=/[]- only, found "${value.slice(0, 40)}"`,
    );
  return value;
};

/** As an argument of its own, whatever it holds. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const encoded = (text: string) => Buffer.from(text, 'utf8').toString('base64');

function fromScript(content: string): string {
  const [first = ''] = content.split('\n');
  if (!/^#! *(\/usr)?\/bin\/(env +)?(ba|da)?sh\b/.test(first))
    throw fault('BadParameter', `The CNI configuration is a script for ${first.slice(2, 60)}: expected a shell script`);
  const path = '/home/cloud/cni-configuration';
  return `${write({ path, content, permissions: '0700' })}exec ${path}\n`;
}

function fromYaml(text: string): string {
  const documents = read(text.replace(/^#cloud-config[^\n]*\n/, ''));
  const [only] = documents;
  if (documents.length > 0 && documents.every(isManifest)) return fromManifests(text);
  if (documents.length === 1 && Array.isArray(only)) return fromCommands(only);
  if (documents.length === 1 && isRecord(only)) {
    const strange = Object.keys(only).filter((key) => key !== 'runcmd' && key !== 'write_files');
    if (strange.length === 0)
      return `${filesOf(only['write_files']).map(write).join('')}${fromCommands(only['runcmd'] ?? [])}`;
    throw fault(
      'BadParameter',
      `The CNI configuration has ${strange.join(', ')}: of a cloud-config only runcmd and write_files are used`,
    );
  }
  throw fault(
    'BadParameter',
    'The CNI configuration is not understood: expected a list of commands, a cloud-config with runcmd or write_files, Kubernetes manifests, or a shell script',
  );
}

function read(text: string): unknown[] {
  const documents: unknown[] = [];
  try {
    yaml.loadAll(text, (document) => documents.push(document), { schema: yaml.CORE_SCHEMA });
  } catch (error) {
    throw fault('BadParameter', `The CNI configuration is not YAML: ${textOf(error).slice(0, 300)}`);
  }
  return documents.filter((document) => document !== null && document !== undefined);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isManifest = (value: unknown): boolean =>
  isRecord(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string';

/** The text goes as it is: kubectl reads YAML 1.1, in which 0400 and yes mean other things than here. */
function fromManifests(content: string): string {
  const path = '/home/cloud/cni-configuration.yaml';
  return `${write({ path, content, permissions: '0600' })}exec kubectl apply --server-side --force-conflicts -f ${path}\n`;
}

/** As cloud-init runs them: all in one shell, one after the other, a failing one does not keep back the next. */
function fromCommands(items: unknown): string {
  if (!Array.isArray(items)) throw fault('BadParameter', 'runcmd of the CNI configuration is not a list of commands');
  return items
    .map((item: unknown, i) => {
      const command = asCommand(item);
      if (command === undefined)
        throw fault(
          'BadParameter',
          `Command ${i + 1} of the CNI configuration is neither text nor a list of texts: is there a colon followed by a space in it? Quote the whole line`,
        );
      return typeof command === 'string' ? `${command}\n` : `${command.map(quoted).join(' ')}\n`;
    })
    .join('');
}

function asCommand(item: unknown): Command | undefined {
  const words = (Array.isArray(item) ? item : [item]) as unknown[];
  if (!words.every((word) => ['string', 'number', 'boolean'].includes(typeof word))) return undefined;
  const texts = words.map(String);
  return Array.isArray(item) ? texts : texts[0];
}

function filesOf(files: unknown): FileToWrite[] {
  if (files === undefined) return [];
  if (!Array.isArray(files)) throw fault('BadParameter', 'write_files of the CNI configuration is not a list');
  return files.map((file: unknown, i) => {
    const { path, content = '', encoding = 'text/plain', permissions = '0644', append } = isRecord(file) ? file : {};
    const coding = String(encoding);
    if (typeof path !== 'string' || !path.startsWith('/') || typeof content !== 'string')
      throw fault('BadParameter', `File ${i + 1} of write_files lacks a path from the root or its content`);
    if (append === true || !['text/plain', 'b64', 'base64'].includes(coding))
      throw fault('BadParameter', `File ${path} of write_files: append and the encoding ${coding} are not used here`);
    return {
      path,
      content: coding === 'text/plain' ? content : Buffer.from(content, 'base64').toString('utf8'),
      permissions: /^0?[0-7]{3}$/.test(String(permissions)) ? String(permissions) : '0644',
    };
  });
}

/** Content goes as base64: no line of it can end the document that it stands in. */
const write = ({ path, content, permissions }: FileToWrite): string =>
  `mkdir -p "$(dirname -- ${quoted(path)})" && base64 -d <<'CKS' | install -m ${permissions} /dev/stdin ${quoted(path)} || exit 1\n${encoded(content)}\nCKS\n`;
