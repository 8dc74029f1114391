import type { AddressInfo } from 'node:net';
import { HistoryCodec } from '../../db/history-codec.js';
import { Secret } from '../../db/secret.js';
import { codecServer } from '../../scripts/codec.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { describeStack, type Stack } from './stack.js';

interface Payload {
  metadata?: Record<string, Uint8Array>;
  data?: Uint8Array;
}
const isPayload = (value: object): value is Payload => 'metadata' in value && 'data' in value;

/** Every text, and every value as Temporal stores it, in a message however deep. */
function* leaves(value: unknown): Generator<string | Payload> {
  if (typeof value === 'string') yield value;
  else if (ArrayBuffer.isView(value))
    yield Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  else if (value !== null && typeof value === 'object') {
    if (isPayload(value)) yield value;
    for (const one of Object.values(value)) yield* leaves(one);
  }
}

/** All that Temporal has of the runs of this service: texts, and values. */
async function stored(stack: Stack): Promise<{ text: string; payloads: Payload[] }> {
  const { workflow } = await stack.client();
  const texts: string[] = [];
  const payloads: Payload[] = [];
  for await (const { workflowId, runId, raw } of workflow.list()) {
    const handle = workflow.getHandle(workflowId, runId);
    for (const leaf of leaves([raw, (await handle.describe()).raw, await handle.fetchHistory()]))
      if (typeof leaf === 'string') texts.push(leaf);
      else payloads.push(leaf);
  }
  return { text: texts.join('\n'), payloads };
}

/** As the Web UI asks. */
async function opened(stack: Stack, payloads: Payload[], origin: string): Promise<Response> {
  const server = codecServer(new HistoryCodec(new Secret(stack.file('key').trim()), true), ['http://127.0.0.1:8233']);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const text = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString('base64');
  const body = payloads.map(({ metadata = {}, data }) => ({
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, text(value)])),
    data: text(data),
  }));
  try {
    return await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/decode`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', 'x-namespace': 'default' },
      body: JSON.stringify({ payloads: body }),
    });
  } finally {
    server.close();
  }
}

describeStack('with CKS_HISTORY_CODEC=on', { env: { CKS_HISTORY_CODEC: 'on' } }, (scenario) => {
  scenario(
    'Temporal has neither titles nor error texts nor facts in clear, the codec program opens them, and a failed operation is resumed',
    async (stack) => {
      await stack.breaks({ on: 'node', match: 'node.init', kind: 'failForGood', times: 1 });
      const { id, jobid } = await stack.create(1, 1);
      expect((await stack.jobEnd(jobid)).jobstatus).toBe(2);
      const words = ['make SSH keys', 'control-1: ', 'simulated fault', 'cloud.kubernetes.cluster.start.timeout'];
      const failed = await stored(stack);
      expect(words.filter((word) => failed.text.includes(word))).toEqual([]);
      expect(failed.text).toContain(workflowIdOf(stack.operation(id).uuid));

      const sealed = failed.payloads.filter(({ metadata }) => Buffer.from(metadata?.['encoding'] ?? []).toString() === 'binary/encrypted'); // prettier-ignore
      const answer = await opened(stack, sealed, 'http://127.0.0.1:8233');
      expect(answer.headers.get('access-control-allow-origin')).toBe('http://127.0.0.1:8233');
      const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
      const clear = payloads.map(({ data }) => Buffer.from(data, 'base64').toString('utf8')).join('\n');
      expect(words.filter((word) => !clear.includes(word))).toEqual([]);
      expect((await opened(stack, sealed, 'https://elsewhere.example')).status).toBe(403);

      expect((await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
    },
    90,
  );
});
