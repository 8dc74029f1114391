import { installInput } from '../../activities/node/install-input.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';

test.each([
  ['control', 'cloud.kubernetes.control.node.install.attempt.wait.duration', 'wait_seconds'],
  ['etcd', 'cloud.kubernetes.control.node.install.reattempt.count', 'attempts'],
  ['worker', 'cloud.kubernetes.worker.node.install.attempt.wait.duration', 'wait_seconds'],
  ['worker', 'cloud.kubernetes.worker.node.install.reattempt.count', 'attempts'],
] as const)('a %s node is installed with %s', (role, setting, word) => {
  const before = installInput(role, '1.34.2', DEFAULT_SETTINGS);
  expect(installInput(role, '1.34.2', { ...DEFAULT_SETTINGS, [setting]: 7 })).toEqual({ ...before, [word]: '7' });
  expect(before[word]).toBe(String(DEFAULT_SETTINGS[setting]));
});
