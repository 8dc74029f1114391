import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import ssh2 from 'ssh2';
import type { AuthContext, Connection, Server, ServerChannel } from 'ssh2';
import type { Clusters } from './clusters.js';
import type { Action, FaultKind } from './faults.js';
import { type Guest, type Guests, type GuestWatcher, type Run, guestKeyOf } from './guests.js';
import type { Subcommand } from './subcommand.js';
import type { NodeRuns } from './node-runs.js';
import type { Domain, Zone } from './zone.js';

const PROBE = /^test -x \/opt\/bin\/cks-node-([0-9a-f]{16})$/;
const UPLOAD = /^sudo install -D -m 0755 \/dev\/stdin \/opt\/bin\/cks-node-([0-9a-f]{16})$/;
const RUN = /^sudo \/opt\/bin\/cks-node-([0-9a-f]{16})(?: (\S+))?(?: (\S+))?$/;
const KEY = /^[a-z0-9-]{1,80}$/;
const LINE = /^([a-z_]+)=((?:'[^']*'|\\'|[A-Za-z0-9._:/@%+,-])*)$/;
const MAX_INPUT = 64 << 20;

interface Answer {
  exit: number;
  text?: string;
  error?: string;
}
/** A command on its way: who asked, and how to answer. */
interface Call {
  domain: Domain;
  guestKey: string;
  guest: Guest;
  channel: ServerChannel;
  connection: Connection;
}

/** Real SSH servers for the simulated nodes, without a port of their own: sockets come from the gateways' forwards. */
export class NodeShells implements GuestWatcher {
  private readonly servers = new Map<string, Server>();
  private readonly sockets = new Map<string, Set<Socket>>();

  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
    private readonly runs: NodeRuns,
    private readonly clusters: Clusters,
    private readonly subcommands: Record<string, Subcommand>,
  ) {}

  accept(domain: Domain, socket: Socket): void {
    const guestKey = guestKeyOf(domain);
    const guest = this.guests.awake(domain);
    if (!guest) {
      socket.destroy();
      return;
    }
    const open = this.sockets.get(guestKey) ?? new Set();
    this.sockets.set(guestKey, open.add(socket));
    socket.once('close', () => open.delete(socket));
    // A guest whose host key is no key has no SSH server; the others have.
    if (ssh2.utils.parseKey(guest.hostKey) instanceof Error) {
      this.zone.log.error({ node: guest.hostName }, 'simulated node: its SSH host key cannot be read');
      socket.destroy();
      return;
    }
    const { hostName: node } = guest;
    const fault = this.zone.faults.take({ on: 'node', kind: 'node.connect', key: node, node, observes: true });
    if (fault !== undefined) {
      this.zone.log.info({ node, kind: 'node.connect', fault }, 'simulated node');
      void this.acceptBroken(guestKey, guest, socket, fault);
      return;
    }
    let server = this.servers.get(guestKey);
    if (!server) {
      server = this.serve(guestKey, guest.hostKey);
      this.servers.set(guestKey, server);
    }
    server.injectSocket(socket);
  }

  /** `failForGood`: another machine answers. `drop`: cut before the login, `loseReply`: right after it. */
  private async acceptBroken(guestKey: string, { hostKey }: Guest, socket: Socket, fault: FaultKind): Promise<void> {
    if (fault === 'fail') return void socket.destroy();
    // Accepted, and never greeted: the connection is the caller's to give up.
    if (fault === 'hang') return;
    if (fault === 'slow') await this.zone.clock.sleep(5);
    const shown = fault === 'failForGood' ? anotherHostKey() : hostKey;
    this.serve(guestKey, shown, fault).injectSocket(socket);
  }

  private serve(guestKey: string, hostKey: string, fault?: FaultKind): Server {
    return new ssh2.Server({ hostKeys: [hostKey], ident: 'simulated-node' }, (connection) => {
      connection.on('error', () => undefined);
      if (fault === 'drop') connection.once('authentication', () => this.cut(connection));
      else this.greet(guestKey, connection);
      if (fault === 'loseReply') connection.once('ready', () => this.cut(connection));
    });
  }

  poweredOff(domain: Domain): void {
    this.hangUp(guestKeyOf(domain));
  }

  erased(guestKey: string): void {
    this.hangUp(guestKey);
  }

  close(): void {
    for (const key of [...this.servers.keys()]) this.hangUp(key);
  }

  private hangUp(guestKey: string): void {
    for (const socket of this.sockets.get(guestKey) ?? []) socket.destroy();
    this.sockets.delete(guestKey);
    this.servers.delete(guestKey);
  }

  private greet(guestKey: string, connection: Connection): void {
    connection.on('authentication', (attempt) => {
      if (isAuthorised(this.guests.shelf.get(guestKey)?.authorizedKeys ?? [], attempt)) attempt.accept();
      else attempt.reject(['publickey']);
    });
    connection.on('session', (acceptSession) => {
      const session = acceptSession();
      session.on('pty', (accept) => accept?.());
      session.on('shell', (accept) => {
        const channel = accept();
        channel.write('This is a simulated node: it answers cks-node and has no shell.\r\n');
        channel.exit(1);
        channel.end();
      });
      session.on('exec', (accept, _reject, { command }) => {
        void this.execute(guestKey, connection, accept(), command).catch((error: unknown) => {
          this.zone.log.error({ err: error, node: guestKey }, 'simulated node');
          connection.end();
        });
      });
    });
  }

  private async execute(
    guestKey: string,
    connection: Connection,
    channel: ServerChannel,
    command: string,
  ): Promise<void> {
    channel.on('error', () => undefined);
    const domain = this.guests.domainOf(guestKey);
    const guest = this.guests.awake(domain);
    if (!domain || !guest) {
      connection.end();
      return;
    }
    const begin = this.zone.clock.now();
    const call: Call = { domain, guestKey, guest, channel, connection };
    const action = actionOf(command, guest);
    // A program that is not on the node is not there to be broken: the fault waits for the call that runs it.
    const wanted = RUN.exec(command)?.[1];
    const fault = wanted === undefined || guest.programs.includes(wanted) ? this.zone.faults.take(action) : undefined;
    const drop = () => this.cut(connection);
    if (fault === 'drop') return drop();
    if (fault === 'slow') await this.zone.clock.sleep(5);
    // Nobody answers; the connection is the caller's to give up.
    const answer = fault === 'hang' ? undefined : await this.answer(call, command, action, fault);
    const took = Math.round(this.zone.clock.now() - begin);
    this.zone.log.info(
      { node: guest.hostName, kind: action.kind, key: action.key, fault, exit: answer?.exit, took },
      'simulated node',
    );
    if (!answer) return;
    if (fault === 'loseReply') return drop();
    if (answer.text !== undefined) channel.write(answer.text);
    if (answer.error !== undefined) channel.stderr.write(`${answer.error}\n`);
    channel.exit(answer.exit);
    channel.end();
  }

  private cut(connection: Connection): void {
    const socket = (connection as unknown as { _sock?: Socket })._sock;
    if (socket) socket.destroy();
    else connection.end();
  }

  private async answer(call: Call, command: string, action: Action, fault?: string): Promise<Answer | undefined> {
    const { guest } = call;
    const probe = PROBE.exec(command)?.[1];
    if (probe !== undefined) return { exit: guest.programs.includes(probe) ? 0 : 1 };
    const upload = UPLOAD.exec(command)?.[1];
    if (upload !== undefined) {
      if (fault === 'fail' || fault === 'failForGood')
        return { exit: 1, error: 'simulated fault: install: No space left on device' };
      return this.upload(call, upload, action);
    }
    const [, program, subcommand = '', key = ''] = RUN.exec(command) ?? [];
    if (program === undefined)
      return { exit: 127, error: 'simulated node: command not found: it answers cks-node only' };
    if (!guest.programs.includes(program))
      return { exit: 1, error: `sudo: /opt/bin/cks-node-${program}: command not found` };
    if (!KEY.test(key)) return { exit: 2, error: 'usage: cks-node SUBCOMMAND KEY, where KEY is [a-z0-9-]{1,80}' };
    if (fault === 'failForGood') return { exit: 2, error: `simulated fault: ${subcommand} ${key} is refused for good` };
    if (fault === 'fail') {
      const known = this.runs.find(call.guestKey, key);
      return line(known ?? this.runs.fail(call.guestKey, key, subcommand, `simulated fault: ${subcommand} failed`));
    }
    return this.cksNode(call, subcommand, key);
  }

  private async upload({ channel, guestKey }: Call, hash: string, action: Action): Promise<Answer | undefined> {
    const content = await readAll(channel);
    if (!content) return undefined;
    const found = createHash('sha256').update(content).digest('hex').slice(0, 16);
    if (found !== hash) return { exit: 1, error: `simulated node: the content's hash is ${found}, not ${hash}` };
    const guest = this.guests.shelf.get(guestKey);
    if (!guest || guest.programs.includes(hash)) return { exit: 0 };
    await this.zone.change(action, 0, () =>
      this.guests.shelf.put(guestKey, { ...guest, programs: [...guest.programs, hash] }),
    );
    return { exit: 0 };
  }

  private async cksNode(call: Call, subcommand: string, key: string): Promise<Answer | undefined> {
    const { guestKey, channel } = call;
    const known = this.runs.find(guestKey, key);
    if (subcommand === 'status') return line(known ?? absent(key), 3);
    if (subcommand === 'evidence') return line({ ...absent(key), state: 'done', result: this.evidence(call) });
    if (subcommand === 'machine') return line({ ...absent(key), state: 'done', result: this.machine(call) });
    if (subcommand === 'kubeconfig') return line(this.kubeconfig(call, key));
    const wanted = Object.hasOwn(this.subcommands, subcommand) ? this.subcommands[subcommand] : undefined;
    if (!wanted) return { exit: 2, error: `cks-node: unknown subcommand ${subcommand} (simulated)` };
    if (known && known.subcommand !== subcommand)
      return { exit: 2, error: `cks-node: key ${key} belongs to ${known.subcommand}` };
    let input: Record<string, string> = {};
    if (!known) {
      const text = await readAll(channel);
      if (!text) return undefined;
      const read = readInput(text.toString('utf8'), wanted);
      if (typeof read === 'string') return { exit: 2, error: `cks-node ${subcommand}: ${read}` };
      input = read;
    }
    const run = await this.runs.run(guestKey, key, subcommand, input);
    return run && line(run);
  }

  private kubeconfig({ guest }: Call, key: string): Answered {
    const api = guest.joined?.role === 'control' ? this.clusters.api(guest.joined.cluster) : undefined;
    if (!api)
      return {
        ...absent(key),
        state: 'failed',
        exit: 1,
        error: '/etc/kubernetes/admin.conf: No such file or directory',
      };
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const result = { kubeconfig: base64(api.kubeconfig()), ca: base64(api.caPem), ca_hash: api.caHash };
    return { ...absent(key), state: 'done', result };
  }

  /** A simulated system keeps nothing of its memory and disk for itself. */
  private machine({ domain, guestKey }: Call): Record<string, number> {
    const { sizeGb = 0 } = this.zone.volumes.get(guestKey) ?? {};
    return { cpus: domain.cpus, ram_mb: domain.ramMb, root_mb: sizeGb * 1024 };
  }

  private evidence({ guest, domain }: Call): Record<string, string> {
    const units = Object.values(guest.runs).map((run) =>
      `cks-${run.key}.service ${run.subcommand} ${run.state} ${run.error}`.trim(),
    );
    return {
      simulated: 'This node is simulated: there is no real system behind these lines.',
      units: [...units, `kubelet.service ${guest.joined ? 'active' : 'inactive'}`].join('\n'),
      cloud_init: `status: done\ninstance-id: ${guest.instanceId}`,
      disk: `/dev/vda ${domain.volume} 12% used`,
      certificates: guest.certificates === undefined ? 'none' : new Date(guest.certificates).toISOString(),
      images: guest.installed ? `kube-apiserver:v${guest.installed}` : 'none',
      clock: new Date(this.zone.clock.calendar()).toISOString(),
    };
  }
}

type Answered = Pick<Run, 'key' | 'exit' | 'result' | 'error'> & { state: Run['state'] | 'absent' };

const absent = (key: string): Answered => ({ key, state: 'absent', exit: 0, result: {}, error: '' });

/** The one line that `cks-node` prints; a run that has not ended has the exit status `unfinished`. */
function line({ key, state, exit, result, error }: Answered, unfinished = 3): Answer {
  const shown = state === 'queued' ? 'running' : state;
  const status = state === 'done' ? 0 : state === 'failed' ? 1 : unfinished;
  return { exit: status, text: `${JSON.stringify({ key, state: shown, exit, result, error })}\n` };
}

/** What a command does, for faults and records: probes and looks do not use up a fault that names only a node. */
function actionOf(command: string, { hostName: node }: Guest): Action {
  const base = { on: 'node', node } as const;
  const hash = (PROBE.exec(command) ?? UPLOAD.exec(command))?.[1];
  if (hash !== undefined)
    return PROBE.test(command)
      ? { ...base, kind: 'node.probe', key: hash, observes: true }
      : { ...base, kind: 'node.upload', key: hash };
  const [, , subcommand = 'unknown', key = ''] = RUN.exec(command) ?? [];
  return {
    ...base,
    kind: `node.${subcommand}`,
    key,
    observes: ['status', 'evidence', 'machine', 'unknown'].includes(subcommand),
  };
}

/** `ssh2` makes one key in 300 that nobody can read (github.com/mscdex/ssh2/issues/1390). */
function anotherHostKey(): string {
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}

/** Everything on standard input; undefined when the connection ended before the input did. */
async function readAll(channel: ServerChannel): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    channel.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= MAX_INPUT) parts.push(part);
    });
    channel.once('end', () => resolve(size <= MAX_INPUT ? Buffer.concat(parts) : undefined));
    channel.once('close', () => resolve(undefined));
  });
}

/** The `name='value'` lines, or what is wrong with them. Values are never repeated in the text. */
function readInput(text: string, { input: needed, optional = [] }: Subcommand): Record<string, string> | string {
  const input: Record<string, string> = {};
  for (const [index, one] of text.split('\n').entries()) {
    if (one === '') continue;
    const [, name, value] = LINE.exec(one) ?? [];
    if (name === undefined || value === undefined) return `line ${index + 1} of the input is not name='value'`;
    input[name] = value.replaceAll(
      /'([^']*)'|\\(')/g,
      (_whole, quoted?: string, escaped?: string) => quoted ?? escaped ?? '',
    );
  }
  const unknown = Object.keys(input).find((name) => !needed.includes(name) && !optional.includes(name));
  if (unknown !== undefined) return `unknown name ${unknown}`;
  const missing = needed.filter((name) => input[name] === undefined);
  return missing.length > 0 ? `missing in the input: ${missing.join(', ')}` : input;
}

function isAuthorised(authorizedKeys: string[], attempt: AuthContext): boolean {
  if (attempt.method !== 'publickey' || attempt.username !== 'cloud') return false;
  for (const text of authorizedKeys) {
    const key = ssh2.utils.parseKey(text);
    if (key instanceof Error) continue;
    const offered = attempt.key.data;
    const held = key.getPublicSSH();
    if (offered.length !== held.length || !timingSafeEqual(offered, held)) continue;
    if (!attempt.signature) return true;
    return attempt.blob !== undefined && key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true;
  }
  return false;
}
