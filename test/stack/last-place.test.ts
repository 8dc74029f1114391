import { domainsOf, expectHealthy } from './facts.js';
import { describeStack } from './stack.js';

describeStack('two operations', { profile: 'instant' }, (scenario) => {
  scenario(
    'that race for the last place: one gets it, the other is refused with 530 and told of every host why',
    async (stack) => {
      const [first] = stack.rows<{ uuid: string; name: string }>('SELECT uuid, name FROM host ORDER BY id');
      stack.write(`UPDATE host SET cpus = 4, ram_mb = 4096 WHERE uuid = '${first?.uuid}'`);
      const others = stack.rows<{ uuid: string; name: string }>(`SELECT uuid, name FROM host WHERE uuid <> '${first?.uuid}'`);
      for (const { uuid } of others) await stack.call('updateHost', { id: uuid, allocationstate: 'Maintenance' });

      const both = await Promise.all([stack.create(1, 1), stack.create(1, 1)]);
      const jobs = await Promise.all(both.map(({ jobid }) => stack.jobEnd(jobid)));
      expect(jobs.map(({ jobstatus, jobresultcode }) => [jobstatus, jobresultcode]).sort()).toEqual([[1, 0], [2, 530]]);
      const lost = jobs.findIndex(({ jobstatus }) => jobstatus === 2);
      const text = JSON.stringify(jobs[lost]);
      expect(text).toContain(`${first?.name}: 0 CPUs free`);
      for (const { name } of others) expect(text).toContain(`${name}: not enabled`);

      await expectHealthy(stack, both[1 - lost]!.id, 1, 1);
      expect(domainsOf(await stack.world(), both[lost]!.id)).toEqual([]);
      expect(stack.row(`SELECT cpus_used, ram_mb_used FROM host WHERE uuid = '${first?.uuid}'`)).toEqual({ cpus_used: 4, ram_mb_used: 4096 });
    },
    60,
  ); // prettier-ignore
});
