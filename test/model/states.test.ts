import {
  CLUSTER_STATES,
  mayMove,
  OPERATION_KINDS,
  OPERATIONS,
  type ClusterState,
} from '../../workflows/model/states.js';

describe('states', () => {
  const moves: [ClusterState, ClusterState, boolean][] = [
    ['Created', 'Starting', true],
    ['Error', 'Starting', true],
    ['Alert', 'Starting', true],
    ['Running', 'Starting', false],
    ['Stopped', 'Starting', true],
    ['Stopped', 'Scaling', false],
    ['Stopped', 'ScalingStoppedCluster', true],
    ['Running', 'ScalingStoppedCluster', false],
    ['Running', 'Upgrading', true],
    ['Alert', 'Upgrading', true],
    ['Stopped', 'Upgrading', false],
    ['Alert', 'Importing', true],
    ['Stopped', 'Importing', false],
    ['Scaling', 'Stopped', false],
    ['Upgrading', 'Running', true],
    ['Importing', 'Alert', true],
    ['Alert', 'Running', false],
    ['Alert', 'Recovering', true],
    ['Recovering', 'Running', true],
    ['Starting', 'Running', true],
    ['Starting', 'Error', true],
    ['Starting', 'Alert', true],
    ['Starting', 'Stopped', true], // a start that was cancelled
    ['Created', 'Running', false],
    ['Running', 'Destroying', true],
    ['Starting', 'Destroying', true],
    ['Destroying', 'Destroyed', true],
    ['Running', 'Destroyed', false],
    ['Destroyed', 'Destroying', false],
    ['Destroyed', 'Running', false],
    ['Destroying', 'Running', false],
    ['Destroyed', 'Destroyed', true],
  ];
  test.each(moves)('from %s to %s: %s', (from, to, allowed) => {
    expect(mayMove(from, to)).toBe(allowed);
  });

  test.each(CLUSTER_STATES.filter((state) => state !== 'Destroyed'))(
    'a cluster in %s can be deleted (report 18)',
    (state) => {
      expect(mayMove(state, 'Destroying')).toBe(true);
    },
  );

  test.each(CLUSTER_STATES.filter((state) => state !== 'Destroyed'))('nothing leads from Destroyed to %s', (state) => {
    expect(mayMove('Destroyed', state)).toBe(false);
  });

  test.each(OPERATION_KINDS)('%s can end in each way that it may end in', (kind) => {
    const { from, during, done, failed, cancelled } = OPERATIONS[kind];
    const rests: readonly ClusterState[] = cancelled === 'before' ? from : [cancelled];
    for (const begin of from) expect(mayMove(begin, during)).toBe(true);
    for (const rest of [done, failed, ...rests]) expect(mayMove(during, rest)).toBe(true);
  });

  test.each(OPERATION_KINDS)('%s can be tried again from where a failed one rests (report 8)', (kind) => {
    const { failed, during } = OPERATIONS[kind];
    expect(mayMove(failed, during)).toBe(true);
  });
});
