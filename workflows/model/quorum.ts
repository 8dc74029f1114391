/** What a reader should know of these counts of members; empty when there is nothing to say. */
export function quorumWarnings({ controls, etcd }: { controls: number; etcd: number }): string[] {
  const members = etcd > 0 ? etcd : controls;
  if (members === 0 || members % 2 === 1) return [];
  const what = etcd > 0 ? 'etcd nodes' : 'control nodes';
  const most = members / 2 - 1;
  return [
    `${members} ${what}: etcd works while more than half of its members do, so ${members} outlive the loss of ${most}, no more than ${members - 1} would, and ${members + 1} outlive the loss of ${most + 1}: an odd number is better`,
  ];
}
