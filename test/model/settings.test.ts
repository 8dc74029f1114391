import {
  DEFAULT_SETTINGS,
  isSettingName,
  parseSetting,
  SETTINGS,
  type SettingName,
  type SettingRule,
} from '../../workflows/model/settings.js';

describe('parseSetting', () => {
  const accepted: [SettingName, string, unknown][] = [
    ['cloud.kubernetes.cluster.max.size', '50', 50],
    ['cloud.kubernetes.cluster.max.size', ' 50 ', 50],
    ['cloud.kubernetes.cluster.max.size', '1', 1],
    ['cloud.kubernetes.cluster.upgrade.retries', '0', 0],
    ['cloud.kubernetes.service.enabled', 'TRUE', true],
    ['cloud.kubernetes.service.enabled', ' false ', false],
    ['endpoint.url', 'http://192.0.2.1:8080/client/api', 'http://192.0.2.1:8080/client/api'],
    ['endpoint.url', '', ''],
  ];
  test.each(accepted)('%s takes "%s"', (name, text, value) => {
    expect(parseSetting(name, text)).toEqual({ value });
  });

  const refused: [SettingName, string, string][] = [
    [
      'cks.metadata.policy.namespaces',
      'default,',
      'takes names of namespaces, comma-separated, such as default,kube-system, found "default,"',
    ],
    [
      'cks.metadata.policy.namespaces',
      'My_Space',
      'takes names of namespaces, comma-separated, such as default,kube-system, found "My_Space"',
    ],
    ['cloud.kubernetes.cluster.max.size', '0', 'takes 1 or more, found 0'],
    ['cloud.kubernetes.cluster.max.size', '-3', 'takes 1 or more, found -3'],
    ['cloud.kubernetes.cluster.max.size', '1.5', 'takes a whole number, found "1.5"'],
    ['cloud.kubernetes.cluster.max.size', '1e3', 'takes a whole number, found "1e3"'],
    ['cloud.kubernetes.cluster.max.size', '', 'takes a whole number, found ""'],
    ['cloud.kubernetes.cluster.max.size', 'ten', 'takes a whole number, found "ten"'],
    ['cloud.kubernetes.cluster.max.size', '99999999999999999999', 'takes a whole number, found "99999999999999999999"'],
    ['cloud.kubernetes.etcd.node.start.port', '80', 'takes 1024 or more, found 80'],
    ['cloud.kubernetes.service.enabled', 'yes', 'takes true or false, found "yes"'],
    ['cloud.kubernetes.service.enabled', '1', 'takes true or false, found "1"'],
  ];
  test.each(refused)('%s refuses "%s"', (name, text, problem) => {
    expect(parseSetting(name, text)).toEqual({ problem: `${name} ${problem}` });
  });

  test.each(Object.keys(SETTINGS) as SettingName[])(
    '%s has a default that it accepts itself, and says what it means',
    (name) => {
      const rule: SettingRule = SETTINGS[name];
      expect(parseSetting(name, String(rule.value))).toEqual({ value: rule.value });
      expect(rule.doc).toMatch(/^[A-Z].{10,}[^.]$/);
      expect(DEFAULT_SETTINGS[name]).toBe(rule.value);
    },
  );

  test('defaults cannot be changed by accident', () => {
    expect(Object.isFrozen(DEFAULT_SETTINGS)).toBe(true);
  });

  test.each(['', 'cks', 'cloud.kubernetes.cluster.max.SIZE'])('"%s" is not a setting', (name) => {
    expect(isSettingName(name)).toBe(false);
  });

  // Known fault of isSettingName, which asks with `in`: an ordinary test once it asks with Object.hasOwn.
  test.each(['toString', '__proto__', 'constructor'])('"%s" is not a setting', (name) => {
    expect(isSettingName(name)).toBe(false);
  });
});
