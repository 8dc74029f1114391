import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { COMMANDS } from '../../api/commands/index.js';
import { FAULTS, isFaultCode } from '../../workflows/model/faults.js';
import { isSettingName } from '../../workflows/model/settings.js';
import { WORKFLOW_OF } from '../../workflows/client.js';
import { root, sources } from '../structure/sources.js';

const FOLDER = 'docs/operate';
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const pages = readdirSync(path.join(root, FOLDER))
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ file: `${FOLDER}/${name}`, text: read(`${FOLDER}/${name}`) }));
const all = pages.map(({ text }) => text).join('\n');
const pageOf = (name: string) => pages.find(({ file }) => file === `${FOLDER}/${name}`)!.text;

/** What stands in single backticks, outside of blocks. */
const words = [...all.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
const unique = (list: Iterable<string>) => [...new Set(list)].sort();

test('the pages are there, and the index names each of them', () => {
  const names = pages.map(({ file }) => path.basename(file));
  for (const name of ['real-zone.md', 'production.md', 'temporal-ui.md', 'troubleshooting.md'])
    expect(names).toContain(name);
  for (const name of names.filter((each) => each !== 'README.md')) expect(pageOf('README.md')).toContain(`(${name}`);
});

test('every environment variable is read by a program', () => {
  const named = unique([
    ...(all.match(/\b(?:(?:CKS|TEMPORAL|SIMULATOR)_[A-Z_]+|DATABASE_URL|METRICS_[A-Z_]+)\b/g) ?? []),
    ...[...(/```ini\n([\s\S]*?)```/.exec(pageOf('production.md'))?.[1] ?? '').matchAll(/^([A-Z_]+)=/gm)].map(
      ([, name = '']) => name,
    ),
  ]);
  const code = sources.map(({ file }) => read(file)).join('\n');
  const isRead = (name: string) => new RegExp(`env(?:\\.|\\[')${name}\\b|^  ${name}: `, 'm').test(code);
  expect(named).toEqual(
    expect.arrayContaining(['CKS_ENCRYPTION_KEY', 'CKS_HOME', 'DATABASE_URL', 'PORT', 'TEMPORAL_ADDRESS']),
  );
  expect(named.filter((name) => !isRead(name))).toEqual([]);
});

test('every npm script exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = unique([...all.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name));
  expect(named).toContain('build');
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('every setting exists', () => {
  const named = unique([
    ...words.filter((word) => /^(?:cks|cloud\.kubernetes|endpoint|upload|job|session)(?:\.[a-z]+)+$/.test(word)),
    ...[...all.matchAll(/updateConfiguration name=([\w.]+)/g)].map(([, name = '']) => name),
  ]).filter((name) => !name.endsWith('.example'));
  expect(named).toEqual(expect.arrayContaining(['cks.host.down.seconds', 'cks.scan.seconds', 'endpoint.url']));
  expect(named.filter((name) => !isSettingName(name))).toEqual([]);
});

const commands = new Map(COMMANDS.map((command) => [command.name, command]));
const VERB =
  /^(?:add|associate|cancel|create|dedicate|delete|deploy|destroy|get|import|list|pause|query|register|release|remove|replace|resume|scale|start|stop|update|upgrade)[A-Z]\w+/;
/** Kinds of operations and types of workflows are called like commands. */
const TYPES: readonly string[] = Object.entries(WORKFLOW_OF).flat();

test('every command exists', () => {
  const named = unique([
    ...words.flatMap((word) => VERB.exec(word.replace(/^cs (?:--post )?/, ''))?.[0] ?? []),
    ...[...all.matchAll(/\bcs (?:--post )?([a-z]+[A-Z]\w+)/g)].map(([, name = '']) => name),
  ]).filter((name) => !TYPES.includes(name));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !commands.has(name))).toEqual([]);
});

test('every parameter of a call is one of its command', () => {
  const wish = /wish="([^"]*)"/.exec(pageOf('real-zone.md'))?.[1] ?? '';
  const lines = all.replace(/\\\n\s*/g, '').replaceAll('$wish', wish);
  const calls = [
    ...lines.matchAll(
      /\bcs (?:--post )?([a-z]+[A-Z]\w+)((?: +[a-z]+(?:\[\d\]\.\w+)?=(?:"[^"]*"|'[^']*'|[^\s`|;)]+))*)/g,
    ),
  ];
  const wrong = calls.flatMap(([, name = '', given = '']) => {
    const params = commands.get(name)?.params ?? {};
    return [...given.replace(/"[^"]*"|'[^']*'/g, 'x').matchAll(/ ([a-z]+)(?=[[=])/g)]
      .filter(([, param = '']) => !(param in params))
      .map(([, param]) => `${name} ${param}`);
  });
  expect(calls.length).toBeGreaterThan(25);
  expect(wrong).toEqual([]);
});

test('a zone, a host and a range are made with all that their commands require', () => {
  const lines = pageOf('real-zone.md').replace(/\\\n\s*/g, '');
  for (const name of ['createZone', 'addHost', 'createStoragePool', 'createVlanIpRange']) {
    const call = new RegExp(`cs (?:--post )?${name}( .*)`).exec(lines)?.[1] ?? '';
    const required = Object.entries(commands.get(name)!.params).filter(([, param]) => param.required);
    expect(required.length).toBeGreaterThan(0);
    expect(required.map(([param]) => param).filter((param) => !call.includes(` ${param}=`))).toEqual([]);
  }
});

test('the page on troubles names every fault that an operator or the service mends, and no other word for one', () => {
  const rows = [...pageOf('troubleshooting.md').matchAll(/^\| ((?:`[A-Z][a-z]+[A-Z]?\w*`(?:, )?)+) +\|/gm)];
  const named = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, code = '']) => code));
  expect(named.filter((code) => !isFaultCode(code))).toEqual([]);
  const wanted = Object.entries(FAULTS).filter(([, { mend }]) => mend !== 'user').map(([code]) => code); // prettier-ignore
  expect(wanted.filter((code) => !named.includes(code))).toEqual([]);
});

test('search attributes are registered as the dev server has them', () => {
  const { search_attributes } = load(read('temporal-dev.yaml')) as { search_attributes: Record<string, string> };
  const listed = /for name in ([\w ]+); do\n +temporal operator search-attribute create .*--type (\w+)/.exec(
    pageOf('production.md'),
  );
  expect(Object.fromEntries((listed?.[1] ?? '').split(' ').map((name) => [name, listed?.[2]]))).toEqual(
    search_attributes,
  );
});

test('every file of this tree that is named is there', () => {
  const named = unique(
    all.match(/(?<![\w./-])(?:guest|docs|scripts|dist|bench|workflows|activities|api|db)\/[\w./-]*\w/g) ?? [],
  );
  const missing = named.filter(
    (file) =>
      !existsSync(path.join(root, file)) &&
      !existsSync(path.join(root, file.replace(/^dist\//, '').replace(/\.js$/, '.ts'))),
  );
  expect(named).toContain('guest/cks-gateway');
  expect(missing).toEqual([]);
});

/** As GitHub and the like make them from headings. */
const anchorsOf = (text: string) =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'),
  ); // prettier-ignore

test('every link leads to a page, and to a heading of it', () => {
  const broken = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, to = '']) => to)
      .filter((to) => !/^https?:/.test(to))
      .filter((to) => {
        const [target = '', anchor] = to.split('#');
        const at = target === '' ? file : path.join(path.dirname(file), target);
        if (!existsSync(path.join(root, at))) return true;
        return anchor !== undefined && !anchorsOf(read(at)).includes(anchor);
      })
      .map((to) => `${file}: ${to}`),
  );
  expect(broken).toEqual([]);
});

// --- unit files ----------------------------------------------------------------------------------------------------

type Unit = Map<string, Map<string, string>>;

/** Sections with their keys; throws for a line that is none, and for a key that is given twice. */
function parseUnit(text: string): Unit {
  const unit: Unit = new Map();
  let section: Map<string, string> | undefined;
  for (const line of text.split('\n').filter((each) => each.trim() !== '' && !each.startsWith('#'))) {
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key, value = ''] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) unit.set(name, (section = new Map()));
    else if (key === undefined || !section || section.has(key)) throw new Error(`not a line of a unit: ${line}`);
    else section.set(key, value);
  }
  return unit;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  Unit: ['Description', 'After', 'Before', 'Wants'],
  Install: ['WantedBy'],
  Timer: ['OnCalendar', 'AccuracySec'],
  Service: [
    'Type', 'User', 'Group', 'WorkingDirectory', 'EnvironmentFile', 'ExecStart', 'Restart', 'RestartSec', 'KillMode', 'TimeoutStopSec', 'LimitNOFILE', 'UMask',
    'StateDirectory', 'StateDirectoryMode', 'NoNewPrivileges', 'CapabilityBoundingSet', 'ProtectSystem', 'ProtectHome', 'PrivateTmp', 'PrivateDevices',
    'ProtectKernelTunables', 'ProtectKernelModules', 'ProtectKernelLogs', 'ProtectControlGroups', 'ProtectClock', 'ProtectHostname', 'ProtectProc',
    'RestrictAddressFamilies', 'RestrictNamespaces', 'RestrictRealtime', 'RestrictSUIDSGID', 'LockPersonality', 'SystemCallArchitectures', 'SystemCallFilter',
  ],
}; // prettier-ignore
const units = readdirSync(path.join(root, FOLDER, 'systemd'));
const unitOf = (name: string) => parseUnit(read(`${FOLDER}/systemd/${name}`));

test.each(units)('%s has sections and keys that systemd knows, and a page that names it', (name) => {
  const unit = unitOf(name);
  for (const [section, keys] of unit) expect(KEYS[section]).toEqual(expect.arrayContaining([...keys.keys()]));
  expect(unit.has(name.endsWith('.timer') ? 'Timer' : 'Service')).toBe(true);
  expect(all).toContain(name);
});

test.each(['cks-api.service', 'cks-worker.service', 'cks-migrate.service'])(
  '%s runs a program of this tree without rights',
  (name) => {
    const service = unitOf(name).get('Service')!;
    const [, program] =
      /^\/usr\/bin\/node --enable-source-maps dist\/(\S+)\.js$/.exec(service.get('ExecStart') ?? '') ?? [];
    expect(existsSync(path.join(root, `${program}.ts`))).toBe(true);
    expect(Object.fromEntries(service)).toMatchObject({
    User: 'cks', EnvironmentFile: '/etc/cks/environment', StateDirectory: 'cks', UMask: '0077', NoNewPrivileges: 'yes', ProtectSystem: 'strict', CapabilityBoundingSet: '',
  }); // prettier-ignore
    expect(pageOf('production.md')).toContain('install -m 0600 /dev/null /etc/cks/environment');
    expect(pageOf('production.md')).toContain('CKS_HOME=/var/lib/cks\n');
  },
);

test.each(['cks-fabric.service', 'cks-gateway.service'])('%s is the one of the contract', (name) => {
  const blocks = [...read('guest/GATEWAY.md').matchAll(/```ini\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  const contract = blocks.find((text) => text.startsWith(`# /etc/systemd/system/${name}\n`));
  expect(unitOf(name)).toEqual(parseUnit(contract ?? ''));
});

test('a unit that is malformed is noticed', () => {
  expect(() => parseUnit('User=cks')).toThrow('not a line of a unit');
  expect(() => parseUnit('[Service]\nUser cks')).toThrow('not a line of a unit');
  expect(() => parseUnit('[Service]\nUser=a\nUser=b')).toThrow('not a line of a unit');
});
