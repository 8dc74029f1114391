import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulatorHypervisor } from '../../activities/hypervisor/simulator.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { describeStack, type Stack } from './stack.js';

interface Found {
  check: string;
  what: string;
  fix: string;
}
const LONG_AGO = '2020-01-01 00:00:00.000';
/** More than a process number can be. */
const NO_PROCESS = 5_000_000;

async function doctor(stack: Stack, ...args: string[]): Promise<{ status: number; findings: Found[] }> {
  const { status, out, err } = await stack.program('scripts/doctor.js', ['--json', ...args]);
  if (out === '') throw new Error(err);
  return { status, findings: (JSON.parse(out) as { findings: Found[] }).findings };
}
const whats = (found: Found[]) => found.map(({ check, what }) => `${check}: ${what}`);

/** A row like the first of the table, with other values in some columns. */
function copyRow(stack: Stack, table: string, values: Record<string, string>): void {
  const columns = stack
    .rows<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`)
    .map(({ name }) => name)
    .filter((name) => name !== 'id');
  const picked = columns.map((name) => (name in values ? `'${values[name]}'` : name));
  stack.write(`INSERT INTO ${table} (${columns.join()}) SELECT ${picked.join()} FROM ${table} ORDER BY id LIMIT 1`);
}

describeStack('the doctor', { profile: 'instant' }, (scenario) => {
  scenario(
    'finds nothing in a healthy service, names every trouble, mends what loses nothing, and leaves the rest to people',
    async (stack) => {
      const [a, b] = [await stack.create(1, 1), await stack.create(1, 1)];
      for (const { jobid } of [a, b]) await stack.jobEnd(jobid, 120);
      expect(await doctor(stack)).toEqual({ status: 0, findings: [] });
      expect(await stack.program('scripts/doctor.js', [])).toMatchObject({ status: 0, out: 'nothing disagrees\n' });

      // Nothing is to mend it meanwhile.
      await stack.worker.kill();
      await stack.temporal.restart();
      await stack.temporalUp();
      const client = await stack.client();
      await stack.call('stopKubernetesCluster', { id: a.id });
      await stack.call('stopKubernetesCluster', { id: b.id });
      const [lost, stray] = [stack.operation(a.id).uuid, stack.operation(b.id).uuid];
      await client.workflow.getHandle(workflowIdOf(lost)).terminate('by a test');
      stack.write(`UPDATE operation SET created = '${LONG_AGO}' WHERE uuid = '${lost}'`);
      stack.write(
        `UPDATE operation SET state = 'failed', ended = '${LONG_AGO}', active_cluster_id = NULL WHERE uuid = '${stray}'`,
      );
      stack.write(
        `UPDATE async_job SET job_status = 2, removed = '${LONG_AGO}' WHERE uuid = '${stack.operation(b.id).job_id}'`,
      );
      const zone = stack.cluster(b.id).zone_id;
      await client.schedule.getHandle('cks-scan-operations').delete();
      await client.schedule.getHandle(`cks-scan-zone-${zone}`).pause();
      copyRow(stack, 'async_job', { uuid: 'job-stuck', job_status: '0', created: LONG_AGO, operation_id: 'none' });
      copyRow(stack, 'host', {
        uuid: 'host-away',
        name: 'host-away',
        url: 'simulator://127.0.0.1:1/host-away',
        data_center_id: 'zone-empty',
      });
      copyRow(stack, 'data_center', { uuid: 'zone-bare', name: 'zone-bare' });
      copyRow(stack, 'secret', { owner: 'cluster/odd', name: 'odd', sealed: 'deadbeef:AAAA' });
      const [worker, control] = ['worker', 'control'].map((role) =>
        stack.row<{ uuid: string; instance_name: string; url: string }>(
          `SELECT v.uuid, v.instance_name, h.url FROM vm_instance v JOIN host h ON h.uuid = v.host_id
           JOIN kubernetes_cluster_vm_map m ON m.vm_id = v.uuid WHERE m.cluster_id = ? AND m.role = ?`,
          b.id,
          role,
        ),
      ) as [{ uuid: string; instance_name: string; url: string }, { instance_name: string; url: string }];
      stack.write(`UPDATE vm_instance SET removed = '${LONG_AGO}' WHERE uuid = '${worker.uuid}'`);
      await simulatorHypervisor(control.url).ensureAbsent(control.instance_name);
      const template = stack.row<{ uuid: string }>(`SELECT uuid FROM vm_template WHERE kind = 'TEMPLATE'`).uuid;
      await simulatorHypervisor(control.url).ensureVolume({ name: 'i-unknown-root', sizeGb: 1, templateId: template });
      stack.write(
        `UPDATE user_ip_address SET state = 'Allocated', network_id = 'network-gone' WHERE id = (SELECT MAX(id) FROM user_ip_address WHERE state = 'Free')`,
      );
      const network = stack.cluster(b.id).network_id ?? '';
      stack.write(
        `UPDATE firewall_rules SET network_id = 'network-gone' WHERE id = (SELECT MAX(id) FROM firewall_rules WHERE network_id = '${network}' AND purpose = 'PortForwarding')`,
      );
      stack.write(`UPDATE kubernetes_cluster SET certificates_end = '${LONG_AGO}' WHERE uuid = '${b.id}'`);
      writeFileSync(join(stack.home, `.admin.json.${NO_PROCESS}`), '{}');
      writeFileSync(join(stack.home, 'key.next'), 'half');

      const byHand = [
        /^encryption key: 1 secrets are sealed under key deadbeef/,
        /^files: .*key\.next is there: a change of the encryption key was not finished/,
        /^Temporal: no worker has asked for work/,
        new RegExp(`^Temporal: schedule cks-scan-zone-${zone} is paused`),
        /^zones and hosts: zone zone-bare has no host/,
        /^zones and hosts: host host-away .*does not answer/,
        /^zones and hosts: machine .* has no domain/,
        /^zones and hosts: volume i-unknown-root .*has no machine/,
        /^certificates: the certificates of cluster .* end on 2020-01-01/,
      ];
      const mended = [
        /^files: .*\.admin\.json\.5000000 was left by a program that was killed/,
        /^Temporal: schedule cks-scan-operations is not there/,
        /^Temporal: schedule cks-scan-zone-zone-bare is not there/,
        new RegExp(`^Temporal: operation ${lost} .*its run is not there`),
        new RegExp(`^Temporal: run op-${stray} .*its operation has ended`),
        /^jobs: job job-stuck .*nothing works on it/,
        /^zones and hosts: domain .* is of machine .*, which was removed/,
        /^addresses and rules: public address .* is held by a network that is gone/,
        /^addresses and rules: guest address .* is held by machine .*, which is gone/,
        /^addresses and rules: rule .* belongs to network network-gone, which is gone/,
        /^addresses and rules: cluster .* counts machine .* as a node, and one of the two is gone/,
        /^gateways: the gateway of network .* has something else than its rows say/,
      ];
      const matching = (patterns: RegExp[]) => patterns.map((pattern) => expect.stringMatching(pattern) as string);
      const found = await doctor(stack);
      expect(found.status).toBe(1);
      expect(whats(found.findings).sort()).toEqual(expect.arrayContaining(matching([...byHand, ...mended])));
      expect(found.findings).toHaveLength(byHand.length + mended.length);

      const fixed = await doctor(stack, '--fix');
      expect(fixed.status).toBe(1);
      const good = whats(fixed.findings.filter(({ fix }) => fix === 'fixed'));
      expect(good).toEqual(expect.arrayContaining(matching(mended)));
      expect(fixed.findings.filter(({ fix }) => fix !== 'fixed' && fix !== 'by hand')).toEqual([]);
      const left = whats((await doctor(stack)).findings);
      expect(left).toEqual(expect.arrayContaining(matching(byHand)));
      expect(left).toHaveLength(byHand.length);

      expect(existsSync(join(stack.home, `.admin.json.${NO_PROCESS}`))).toBe(false);
      expect(stack.operation(a.id)).toMatchObject({ state: 'failed', fault: 'RunLost' });
      expect(stack.jobRow('job-stuck')).toMatchObject({ job_status: 2, job_result_code: 530 });
      expect((await stack.world()).domains.map(({ name }) => name)).not.toContain(worker.instance_name);
    },
    600,
  );

  scenario(
    'says so when Temporal is down or the key is another one, and refuses what it does not know',
    async (stack) => {
      await stack.temporal.kill();
      const { findings } = await doctor(stack);
      expect(whats(findings)).toContainEqual(expect.stringMatching(/^Temporal: Temporal does not answer/));
      const other = await stack.program('scripts/doctor.js', [], {
        CKS_ENCRYPTION_KEY: 'a key of another service, long enough',
      });
      expect(other).toMatchObject({
        status: 2,
        out: '',
        err: expect.stringMatching(/^doctor: .*sealed under key/) as string,
      });
      expect(await stack.program('scripts/doctor.js', ['--mend'])).toMatchObject({
        status: 2,
        err: expect.stringMatching(/^usage/) as string,
      });
    },
    300,
  );
});
