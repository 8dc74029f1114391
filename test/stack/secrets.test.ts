import { createPrivateKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { Sealer, Secret } from '../../db/secret.js';
import { sleep } from './parts.js';
import { describeStack, type Stack } from './stack.js';

/** Texts and bytes that must not be found, by what they are. */
type Needles = Map<string, Buffer[]>;

/** A text as it may show: itself, as JSON, and in base64 and base64url at each of the three alignments, without the ends that its neighbours change. */
function formsOf(text: string | Buffer): Buffer[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const encoded = [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]);
    const cut = (form: BufferEncoding) =>
      padded
        .toString(form)
        .replace(/=+$/, '')
        .slice(shift === 0 ? 0 : shift + 1, -2);
    return [cut('base64'), cut('base64url')];
  });
  const plain = bytes.toString('utf8');
  const quoted = JSON.stringify(plain).slice(1, -1);
  return [bytes, Buffer.from(quoted), Buffer.from(bytes.toString('hex')), ...encoded.map((form) => Buffer.from(form))];
}

function pkcs8Of(openssh: string): string {
  const parsed = ssh2.utils.parseKey(openssh);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPrivatePEM();
}

/** A private key: its PEM whole and by its inner lines, its DER, and the number that is the key. */
function keyForms(pem: string): Buffer[] {
  const key = createPrivateKey(pem.includes('OPENSSH') ? pkcs8Of(pem) : pem);
  const { d = '' } = key.export({ format: 'jwk' });
  const number = Buffer.from(d, 'base64url');
  if (number.length < 32) throw new Error('not a private key');
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  // The last but one line of an OpenSSH key holds private bytes; the first ones are the same in all keys, or public.
  const lines = pem.trim().split('\n').slice(1, -1);
  return [
    ...formsOf(pem),
    ...formsOf(number),
    ...formsOf(pkcs8),
    ...formsOf(String(key.export({ format: 'pem', type: 'pkcs8' }))),
    ...lines.slice(-2, -1).map((line) => Buffer.from(line)),
  ];
}

/** What passes through the disks of the simulated nodes while they work: tokens and certificate keys are nowhere else. */
class Sampler {
  readonly tokens = new Set<string>();
  readonly certificateKeys = new Set<string>();
  /** Command lines and environments of all parts, as anybody on the machine may see them. */
  readonly seen = new Map<string, Buffer>();
  private stopped = false;
  private work: Promise<void> = Promise.resolve();

  constructor(private readonly stack: Stack) {
    this.work = this.loop();
  }

  private async loop(): Promise<void> {
    const folder = join(this.stack.home, 'simulator');
    while (!this.stopped) {
      for (const file of ['zone.sqlite-wal', 'zone.sqlite']) {
        const text = existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'latin1') : '';
        for (const [, token = ''] of text.matchAll(/"token":"([a-z0-9]{6}\.[a-z0-9]{16})"/g)) this.tokens.add(token);
        for (const [, key = ''] of text.matchAll(/"certificate_key":"([0-9a-f]{64})"/g)) this.certificateKeys.add(key);
      }
      for (const part of this.stack.parts.filter(({ isUp }) => isUp))
        for (const what of ['cmdline', 'environ']) {
          const content = readFileSync(`/proc/${part.pid}/${what}`);
          this.seen.set(`${part.plan.name} ${what} ${content.length}`, content);
        }
      await sleep(15);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.work;
  }
}

/** All strings and bytes of a message, however deep. */
function* leaves(value: unknown): Generator<Buffer> {
  if (typeof value === 'string') yield Buffer.from(value);
  else if (ArrayBuffer.isView(value)) yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  else if (Array.isArray(value)) for (const one of value) yield* leaves(one);
  else if (value !== null && typeof value === 'object') for (const one of Object.values(value)) yield* leaves(one);
}

async function histories(stack: Stack): Promise<Map<string, Buffer>> {
  const { workflow } = await stack.client();
  const found = new Map<string, Buffer>();
  for await (const { workflowId, runId } of workflow.list()) {
    const history = await workflow.getHandle(workflowId, runId).fetchHistory();
    found.set(
      `history ${workflowId} ${runId}`,
      Buffer.concat([...leaves(history)].flatMap((leaf) => [leaf, Buffer.from('\n')])),
    );
  }
  return found;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name)); // prettier-ignore
}

/** Files that hold secrets because that is what they are for; each may hold those named, and nobody else may read it. */
const EXCEPTIONS: Record<string, RegExp> = {
  'admin.json': /^admin /,
  'cmk.ini': /^admin secret key$/,
  'cloudstack.ini': /^admin secret key$/,
  key: /^encryption key$/,
};

describeStack('a create and a failed create', {}, (scenario) => {
  scenario(
    'leave none of their secrets in histories, databases, logs, command lines, environments, jobs or error texts',
    async (stack) => {
      const sampler = new Sampler(stack);
      const { id, jobid } = await stack.create(2, 2);
      expect((await stack.jobEnd(jobid)).jobstatus).toBe(1);
      // Faults on the way write error texts: of nodes, of hosts, and of the API server.
      await stack.breaks({ on: 'node', match: 'node.join', kind: 'fail', times: 2 });
      await stack.breaks({ on: 'node', match: 'node.init', kind: 'loseReply', times: 1 });
      await stack.breaks({ on: 'kubernetes', match: 'create.secrets', kind: 'fail', times: 2 });
      await stack.breaks({ on: 'hypervisor', match: 'seed.create', kind: 'fail', times: 2 });
      await stack.breaks({ on: 'kubernetes', match: 'patch.nodes', kind: 'failForGood', times: 1 });
      const failed = await stack.create(2, 1);
      expect((await stack.jobEnd(failed.jobid)).jobstatus).toBe(2);
      expect(await stack.faults()).toEqual([]);
      const config = await stack.call('getKubernetesClusterConfig', { id });
      const login = {
        command: 'login',
        username: stack.admin.username,
        password: stack.admin.password,
        domain: '/',
        response: 'json',
      };
      expect((await fetch(stack.admin.endpoint, { method: 'POST', body: new URLSearchParams(login) })).status).toBe(
        200,
      );
      await stack.worker.restart();
      await sampler.stop();

      const needles: Needles = new Map();
      const add = (what: string, forms: Buffer[]) =>
        needles.set(what, [...(needles.get(what) ?? []), ...forms.filter((form) => form.length >= 12)]);
      const encryptionKey = stack.file('key').trim();
      add('encryption key', formsOf(encryptionKey));
      add('admin secret key', formsOf(stack.admin.secretkey));
      add('admin password', formsOf(stack.admin.password));
      const sealer = new Sealer(new Secret(encryptionKey));
      const sealed = stack.rows<{ owner: string; name: string; sealed: string }>(
        'SELECT owner, name, sealed FROM secret',
      );
      for (const { owner, name, sealed: text } of sealed) {
        const open = sealer.open(`secret/${owner}/${name}`, text).reveal();
        if (name === 'ssh' || name === 'hostkey')
          add(`${name} of ${owner}`, keyForms((JSON.parse(open) as { private: string }).private));
        if (name === 'kubeconfig') {
          const pem = Buffer.from(/client-key-data: (\S+)/.exec(open)?.[1] ?? '', 'base64').toString();
          add(`kubeconfig of ${owner}`, [...keyForms(pem), ...formsOf(open)]);
        }
      }
      expect([...needles.keys()].map((what) => what.split(' ')[0]).sort()).toEqual(['admin', 'admin', 'encryption', ...Array<string>(7).fill('hostkey'), 'kubeconfig', 'kubeconfig', 'ssh', 'ssh']); // prettier-ignore
      expect((config['clusterconfig'] as { configdata: string }).configdata).toContain('client-key-data');
      // Four joins of good runs and two that failed; each with a token of its own, control nodes with a certificate key.
      expect(sampler.tokens.size).toBeGreaterThanOrEqual(5);
      expect(sampler.certificateKeys.size).toBeGreaterThanOrEqual(2);
      for (const token of sampler.tokens) {
        add(`token ${token.slice(0, 6)}`, formsOf(token));
        add(`token ${token.slice(0, 6)}`, formsOf(token.split('.')[1] ?? ''));
      }
      for (const key of sampler.certificateKeys) add('certificate key', formsOf(key));

      const places = new Map<string, Buffer>([...sampler.seen, ...(await histories(stack))]);
      const rows = [
        'async_job',
        'operation',
        'operation_step',
        'event',
        'kubernetes_cluster',
        'kubernetes_cluster_details',
      ].map(
        (table) => [`rows of ${table}`, Buffer.from(JSON.stringify(stack.rows(`SELECT * FROM ${table}`)))] as const,
      );
      rows.forEach(([what, content]) => places.set(what, content));
      for (const answer of [
        'listAsyncJobs',
        'listEvents',
        'listKubernetesClusters',
        'listKubernetesClusterOperations',
        'listVirtualMachines',
        'listConfigurations',
      ])
        places.set(`answer of ${answer}`, Buffer.from(JSON.stringify(await stack.call(answer, { listall: 'true' }))));
      // Files as they lie there, write-ahead logs included; the zone's own disks hold what a data centre's disks hold.
      await Promise.all(stack.parts.map((part) => part.kill()));
      for (const file of filesBelow(stack.home).filter((path) => !path.startsWith(join(stack.home, 'simulator'))))
        places.set(file, readFileSync(file));

      const found: string[] = [];
      for (const [place, content] of places)
        for (const [what, forms] of needles) {
          const name = place.slice(stack.home.length + 1);
          if (EXCEPTIONS[name]?.test(what)) continue;
          for (const form of forms)
            if (content.includes(form)) found.push(`${what} in ${place}: ${form.subarray(0, 8).toString('latin1')}…`);
        }
      expect(found).toEqual([]);

      // That something is found at all: what may be seen is, in each kind of place, and the exceptions hold what they are for.
      const holds = (place: RegExp, text: string) =>
        [...places].some(([name, content]) => place.test(name) && content.includes(text));
      const operation = stack.rows<{ uuid: string }>('SELECT uuid FROM operation')[0]!.uuid;
      expect({
        history: holds(/^history op-/, operation), temporal: holds(/temporal\.db/, operation), database: holds(/cks\.db/, operation),
        logs: holds(/logs\/simulator\.log/, 'node.join'), jobs: holds(/^rows of async_job/, id), environ: holds(/^worker environ/, 'CKS_HOME'), cmdline: holds(/^temporal cmdline/, 'start-dev'),
        steps: holds(/^rows of operation_step/, 'simulated fault'), secret: holds(/admin\.json$/, stack.admin.secretkey), key: holds(/\/key$/, encryptionKey),
      }).toEqual({ history: true, temporal: true, database: true, logs: true, jobs: true, environ: true, cmdline: true, steps: true, secret: true, key: true }); // prettier-ignore
      for (const name of [...Object.keys(EXCEPTIONS), 'cks.db'])
        expect({ name, mode: (statSync(join(stack.home, name)).mode & 0o777).toString(8) }).toEqual({
          name,
          mode: '600',
        });
    },
    120,
  );
});
