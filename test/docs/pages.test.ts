/** What the pages say of the product is what the product says of itself. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { MAX_WORKERS, METRIC_NAMES, PORT_RANGES, PORTS } from '../../node-image/contract';
import { parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';
import { loadConfig } from '../../node-image/lifecycle/config';
import { allBlocks, REPOSITORY, readPages, runnable } from './support/pages';

const LANGUAGES = ['', 'sh', 'ts', 'yaml', 'json', 'nginx'];

/** The blocks that no test runs, and nothing else: what the others claim is shown. */
const NOT_RUN = [
  'README.md: needs an AWS account',
  'README.md: the lk CLI is not among the npm packages',
  'docs/aws.md: needs an AWS account',
  'docs/aws.md: needs an AWS account',
  'docs/aws.md: needs an AWS account',
  'docs/aws.md: needs an AWS account',
  'docs/aws.md: needs an AWS account',
  'docs/aws.md: needs an AWS account',
  'docs/aws.md: needs an AWS account',
  'docs/azure.md: needs an Azure subscription',
  'docs/azure.md: needs an Azure subscription',
  'docs/azure.md: needs an Azure subscription',
  'docs/capacity.md: takes an hour on a machine that does nothing else; test/bench/bench.long.test.ts and test/capacity/fit-command.test.ts do, in small',
  'docs/operating.md: changes the machine',
  'docs/operating.md: fetches the repository',
  'docs/operating.md: installs a package',
  'docs/operating.md: looks at the machine it is run on',
  'docs/operating.md: test/image/oci.slow.test.ts does',
  'docs/operating.md: test/lifecycle/backup/restore.slow.test.ts does, with nodes of its own',
  'docs/operating.md: test/lifecycle/backup/restore.slow.test.ts does, with nodes of its own',
  'docs/own-machines.md: fetches the repository',
  'docs/own-machines.md: fetches the repository',
  'docs/own-machines.md: test/cluster/provisioner/scaling.slow.test.ts does, with nodes on one machine',
  'docs/own-machines.md: test/image/arm64.long.test.ts does, from x86',
  'docs/own-machines.md: test/image/own-machines-ha.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines-ha.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines-ha.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/own-machines.slow.test.ts does, on machines of its own',
  'docs/own-machines.md: test/image/upgrade.slow.test.ts does',
  'docs/own-machines.md: test/lifecycle/backup/high-availability.slow.test.ts does',
  'docs/own-machines.md: test/lifecycle/own-machines/init.test.ts does what it does',
  'docs/performance.md: takes four minutes on a machine that does nothing else; test/bench/bench.alone.slow.test.ts does, in small',
];

test('every block is of a language that a test runs, but for those that say why not', () => {
  const blocks = allBlocks();
  assert.ok(blocks.length > 15);
  for (const { page, line, language } of blocks) {
    assert.ok(LANGUAGES.includes(language), `${page}:${line} is ${language}`);
  }
  const excused = blocks.flatMap(({ page, notRun }) => (notRun ? [`${page}: ${notRun}`] : []));
  assert.deepEqual(excused.sort(), NOT_RUN);
});

describe('the configurations', () => {
  // What is to be announced is no configuration of its own: cluster.test.ts shows it.
  const whole = runnable('yaml').filter(({ text }) => !text.startsWith('# room.yaml'));
  for (const { page, line, text } of whole) {
    test(`${page}:${line} loads`, () => {
      const { warnings } = loadConfig({ argv: ['--config-body', text], env: {}, cores: 2 });
      assert.deepEqual(warnings, []);
    });
  }
});

describe('what machines are told to be', () => {
  for (const { page, line, text } of runnable('json')) {
    test(`${page}:${line} is a boot.json`, () => assert.doesNotThrow(() => parseBootPlan(text)));
  }
});

test('links lead to files and headings that are there', () => {
  for (const { path, text } of readPages()) {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', heading] = target.split('#');
      const full = file === '' ? join(REPOSITORY, path) : join(REPOSITORY, dirname(path), file);
      assert.ok(existsSync(full), `${path} links to ${target}`);
      if (heading !== undefined) {
        assert.ok(headings(readFileSync(full, 'utf8')).includes(heading), `${path}: #${heading}`);
      }
    }
  }
});

/** The anchors that a page's headings make. */
const headings = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

test('the table of ports is that of the contract', () => {
  const text = page('README.md');
  const { turnRelay } = PORT_RANGES;
  for (const row of [
    `| ${PORTS.http} | TCP |`,
    `| ${PORTS.entryBehindBalancer}, ${PORTS.entryHealth} | TCP |`,
    `| ${PORTS.nodeLink} | TCP |`,
    `| ${PORTS.redis}, ${PORTS.sentinel} | TCP |`,
    `| ${PORTS.iceUdp} + i | UDP | media of worker i, at most ${PORTS.iceUdp + MAX_WORKERS - 1} |`,
    `| ${PORTS.iceTcp} + i | TCP | media of worker i where UDP is blocked, at most ${PORTS.iceTcp + MAX_WORKERS - 1} |`,
    `| ${PORTS.turn} | UDP, TCP |`,
    `| ${turnRelay.start}-${turnRelay.end} | UDP |`,
    `| ${PORTS.metrics} | TCP |`,
    `media has UDP ${PORTS.iceUdpDevelopment} + i`,
  ]) {
    assert.ok(text.includes(row), row);
  }
  const firewalls = page('docs/own-machines.md').split('\n## Firewalls\n')[1] ?? '';
  const row = `| ${PORTS.redis}/tcp, with High Availability ${PORTS.sentinel}/tcp | Master Node |`;
  assert.ok(firewalls.includes(row), row);
});

test('the metrics are named as the node names them', () => {
  const names = new Set<string>(Object.values(METRIC_NAMES));
  const said = [...page('docs/operating.md').matchAll(/`(livekit_\w+[a-z])`/g)];
  assert.ok(said.length > 15);
  for (const [, name = ''] of said) assert.ok(names.has(name), name);
});

test('the messages of the table are those of the code', () => {
  // Code breaks long messages over lines and puts values into them; the table keeps to one piece.
  const code = sources('node-image')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
    .replace(/'\s*\+\s*'/g, '');
  const table = page('docs/operating.md').split('## Messages')[1]?.split('\n\n')[1] ?? '';
  const messages = [...table.matchAll(/^\| `([^`]+)`/gm)];
  assert.ok(messages.length > 15);
  for (const [, message = ''] of messages) assert.ok(code.includes(message), message);
});

test('the folders, files and classes that are named exist', () => {
  const code = sources('node-image')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const text = page('docs/architecture.md');
  const parts = text.split('```');
  const folders = [...(parts[1] ?? '').matchAll(/^( {2})?(\w[\w-]*)\/ /gm)];
  assert.ok(folders.length > 9);
  for (const [, indent, name = ''] of folders) {
    assert.ok(existsSync(join(REPOSITORY, indent === undefined ? '' : 'node-image', name)), name);
  }
  for (const [, file = ''] of text.matchAll(
    /\b((?:lifecycle|media|room|api|cluster|signaling|cli)\/[\w/-]+\.ts)\b/g,
  )) {
    assert.ok(existsSync(join(REPOSITORY, 'node-image', file)), file);
  }
  for (const [, name = ''] of text.matchAll(/`([A-Z][a-z]+[A-Z]\w+)(?:\.\w+)?`/g)) {
    assert.match(code, new RegExp(`\\b${name}\\b`), name);
  }
});

test('the picture of the page is there, and small', () => {
  const { size } = statSync(join(REPOSITORY, 'docs/images/meet.png'));
  assert.ok(size > 20_000 && size < 300_000, `${size} bytes`);
});

function page(path: string): string {
  return readPages().find((one) => one.path === path)?.text ?? '';
}

/** The TypeScript files below a folder. */
function sources(folder: string): string[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/(^|\/)(node_modules|dist)\//.test(name))
    .map((name) => join(REPOSITORY, folder, name));
}
