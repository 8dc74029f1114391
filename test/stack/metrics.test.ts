import { describeStack, type Stack } from './stack.js';

const read = async (stack: Stack) => (await fetch(`http://127.0.0.1:${stack.settings.metricsPort}/metrics`)).text();

describeStack('metrics', { profile: 'instant' }, (scenario) => {
  scenario(
    'one port tells of clusters, operations, steps, scans and requests',
    async (stack) => {
      const { jobid } = await stack.create(1, 1);
      expect((await stack.jobEnd(jobid)).jobstatus).toBe(1);
      await stack.call('updateConfiguration', { name: 'cks.scan.seconds', value: '2' });
      const found = await stack.until(
        'the created cluster is counted and its zone was scanned',
        async () => {
          const text = await read(stack);
          return /cks_clusters\{zone="sim-1",state="Running"\} 1/.test(text) && /^cks_scan_seconds_count\{zone="sim-1"\} [1-9]/m.test(text) // prettier-ignore
            ? { text }
            : text.split('\n').filter((line) => /^cks_(clusters|scan)/.test(line)).join('; '); // prettier-ignore
        },
        60,
      );
      const lines = found.text.split('\n');
      expect(lines).toContain('cks_operations{kind="create",state="succeeded",fault=""} 1');
      expect(found.text).toMatch(/^cks_step_seconds_count\{kind="node.init",outcome="done"\} 1$/m);
      expect(found.text).not.toMatch(/kind="unknown"/);
      expect(found.text).toMatch(/^cks_activity_wait_seconds_count\{queue="[\w-]+"\} \d\d+$/m);
      // Of the API server, which has no port of its own here.
      expect(found.text).toMatch(/^cks_api_request_seconds_count\{command="createKubernetesCluster",code="200"\} 1$/m);
      // Each name once, or Prometheus refuses the whole.
      const types = lines.filter((line) => line.startsWith('# TYPE '));
      expect(new Set(types).size).toBe(types.length);
    },
    90,
  );

  scenario(
    'an API server that is down takes only its own metrics away',
    async (stack) => {
      await stack.api.kill();
      const text = await read(stack);
      expect(text).toMatch(/^cks_clusters\{/m);
      expect(text).not.toMatch(/cks_api_request/);
      stack.api.start();
      await stack.ready();
      await stack.until('its metrics are back', async () => /cks_api_request/.test(await read(stack)), 20);
    },
    60,
  );
});
