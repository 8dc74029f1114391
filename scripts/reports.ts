import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What users of the original reported, numbered as here for good, with its issues; `not` says why one does not apply, or is not mended. */
export interface Report {
  issues: string;
  what: string;
  not?: string;
}

export const REPORTS: readonly Report[] = [
  { issues: '#5999, #6094', what: 'A create ends after an hour and nobody knows what it waited for' },
  { issues: '#8681, #7680, #7734', what: 'A failure says one sentence; logs of nodes are collected by hand' },
  { issues: 'of a client', what: 'A create takes longer than a client waits' },
  { issues: '#12699', what: 'A scale that lacks room leaves machines behind' },
  { issues: '#12123', what: 'A scale makes some of its machines and counts wrong' },
  { issues: '#12565, #11758', what: 'An unexpected exception leaves a cluster in Scaling' },
  { issues: '#12229', what: 'A scale-down picks its nodes wrong and stays in Scaling' },
  { issues: '#7920, #7928', what: 'After a failed scale no other one is possible' },
  { issues: '#11166', what: 'A cluster stays in Alert and refuses everything though it is well again' },
  { issues: '#14159', what: 'A scale-down takes away the rules of another node' },
  { issues: '#7501–#7504, #8943', what: 'New forwards are made by tearing down all others' },
  { issues: '#14122, #14148', what: 'A cluster with offerings per node type cannot be scaled or upgraded' },
  { issues: '#11994', what: 'Running machines cannot get another offering' },
  { issues: '#10948, #7542', what: 'A failed upgrade begins from the start again, image imports included' },
  { issues: '#8402, #8297, #7537', what: 'Two control nodes look like redundancy and are none' },
  { issues: '#6514, #4458', what: 'An upgrade says success and the nodes are as they were' },
  { issues: '#4133, #7531, #9331', what: 'A delete hangs because a machine is on the network, and does not say which' },
  { issues: '#10402, #6456', what: 'A cluster in a transient state cannot be deleted' },
  { issues: '#8902, #12783', what: 'A lost node machine means Alert for ever' },
  { issues: '#11581, #12407, #12639, #12641', what: 'An external node does not join, and the add succeeds' },
  { issues: '#7829, #4314', what: 'One failed attach of a medium fails the cluster' },
  { issues: '#9418, #11579', what: 'Certificates end after a year' },
  { issues: '#8295, #11431', what: 'Several control nodes, and traffic goes to one' },
  { issues: '#10795, #11514, #10012', what: 'Nodes cannot reach the public address of their cluster' },
  { issues: '#13471', what: 'Each start of a machine waits for the one before' },
  { issues: '#11691, #9304, #6637', what: 'A CNI configuration with jinja becomes invalid YAML' },
  { issues: '#5756, #8159, #7916, #7814, #12281', what: 'Sizes and places per node type' },
  {
    issues: '#4146, #4637',
    what: 'Nodes have to be reached by SSH at a public address',
    not: 'Not mended: the worker still logs in to nodes through the forwards of their cluster, so it has to reach those addresses.',
  },
  { issues: 'CVE-2025-26521', what: "A project's clusters hold a user's API keys" },
  {
    issues: '#7316',
    what: 'Volumes of workloads stay after a delete',
    not: 'Does not apply: there are no data volumes here that a CSI driver could make; root volumes go with their machines.',
  },
];

/** Titles of tests by the number of the report that they carry, as in "(report 7)". */
export function titlesByReport(root: string): Map<number, string[]> {
  const found = new Map<number, string[]>();
  const folder = join(root, 'test');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.ts'));
  for (const path of files.sort())
    for (const [, , title = ''] of readFileSync(join(folder, path), 'utf8').matchAll(
      /(['"`])([^\n]*?\(report \d+\))\1/g,
    ))
      for (const [, number] of title.matchAll(/\(report (\d+)\)/g)) {
        const says = `${title.replaceAll(/ ?\(report \d+\)/g, '')} (\`test/${path}\`)`;
        found.set(Number(number), [...(found.get(Number(number)) ?? []), says]);
      }
  return found;
}
