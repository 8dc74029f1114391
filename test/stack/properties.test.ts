import fc from 'fast-check';
import { Act, Deploy, Destroy } from './properties/act.js';
import { expectGone } from './facts.js';
import { guestsOf, NONE, OPERATIONS, type Model, type Subject } from './properties/operations.js';
import { aimed, troubles } from './properties/troubles.js';
import { describeStack, type Stack } from './stack.js';

/** `CKS_PROPERTY_RUNS=200 CKS_PROPERTY_SEED=7` looks longer and elsewhere, and tells what it does. A failure prints seed and sequence. */
const RUNS = Number(process.env['CKS_PROPERTY_RUNS'] ?? 4);
const SEED = Number(process.env['CKS_PROPERTY_SEED'] ?? 1);
/** A long run is bounded by its runs, and so is looking for a shorter sequence. */
const SECONDS = Math.max(300, RUNS * 120);

const isLong = 'CKS_PROPERTY_RUNS' in process.env;
const began = Date.now();
const say = (line: string) =>
  isLong && void process.stderr.write(`${((Date.now() - began) / 1000).toFixed(1)} s: ${line}\n`);

const creates = OPERATIONS.filter(({ kind }) => kind === 'create');
const act = (operations: typeof OPERATIONS) =>
  fc
    .tuple(fc.constantFrom(...operations), troubles)
    .map(([operation, trouble]) => new Act(operation, aimed(operation.kind, trouble)));
const sequences = fc.tuple(
  act(creates),
  fc.commands(
    [...Array.from({ length: 8 }, () => act(OPERATIONS)), fc.constant(new Deploy()), fc.constant(new Destroy())],
    {
      maxCommands: 30,
      size: 'max',
    },
  ),
);

/** Takes away whatever a sequence left. */
async function clear(subject: Subject): Promise<void> {
  const { stack, id } = subject;
  if (id === '' || stack.cluster(id).removed !== null) return;
  await stack.heals();
  const { state } = stack.cluster(id);
  const guests = state === 'Destroyed' ? [] : guestsOf(subject);
  const inside = stack.rows('SELECT id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND external_node = 1', id);
  // Of a stopped cluster no machine can be drained.
  if (inside.length > 0 && state === 'Stopped') await stack.run('startKubernetesCluster', { id });
  if (inside.length > 0) await stack.run('removeNodesFromKubernetesCluster', { id, nodeids: guests.join() });
  for (const guest of guests) await stack.run('destroyVirtualMachine', { id: guest, expunge: 'true' });
  await stack.run('deleteKubernetesCluster', { id });
}

async function prepare(stack: Stack): Promise<void> {
  const settings = {
    // A failed operation is resumed or cancelled here: the scan shall not find first that the cluster is well again.
    'cks.scan.seconds': '3600',
    'cloud.kubernetes.cluster.upgrade.retries': '0',
  };
  for (const [name, value] of Object.entries(settings)) await stack.call('updateConfiguration', { name, value });
}

describeStack(
  'whatever is done to a cluster, and whatever goes wrong meanwhile',
  { profile: 'instant' },
  (scenario) => {
    scenario(
      'afterwards its rows, its machines, its gateway and Kubernetes agree',
      async (stack) => {
        await prepare(stack);
        await fc.assert(
          fc.asyncProperty(sequences, async ([create, commands]) => {
            const subject: Subject = { stack, id: '', say };
            say('a sequence');
            try {
              await fc.asyncModelRun(async () => {
                const model: Model = { ...NONE };
                await create.run(model, subject);
                return { model, real: subject };
              }, commands);
            } catch (error) {
              await clear(subject).catch(() => undefined);
              throw error;
            }
            await clear(subject);
            await expectGone(stack, subject.id);
          }),
          { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: SECONDS * 1000, verbose: 1 },
        );
      },
      SECONDS + 120,
    );
  },
);
