/** Every command of the pages is run, or what stands behind it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig } from '../../node-image/lifecycle/config';
import { freePortRange, freeTcpPort } from '../support/ports';
import { until } from '../support/wait';
import { REPOSITORY, runnable } from './support/pages';
import { outputOf, runNode } from './support/processes';

const NODE = 'npm run node --';
const WITH_FILE = `${NODE} --config sluice.yaml`;

let folder = '';
let file = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  file = join(folder, 'sluice.yaml');
  const yaml = runnable('yaml').find(({ text }) => text.startsWith('# sluice.yaml'));
  writeFileSync(file, yaml?.text ?? '');
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** What npm runs for a command of the node, with the file in its place. */
const argsOf = (command: string): string[] => [
  ...['scripts/run.mjs', 'node'],
  ...command
    .split(' ')
    .slice(NODE.split(' ').length)
    .map((word) => (word === 'sluice.yaml' ? file : word)),
];

const print = (command: string, expected: RegExp) => async (): Promise<void> => {
  const { code, output } = await outputOf(argsOf(command));
  assert.equal(code, 0, output);
  assert.match(output, expected);
};

/** How each command is shown to work. */
const SHOWN: Readonly<Record<string, () => void | Promise<void>>> = {
  'npm start': () => isScript('start', 'node scripts/run.mjs start'),
  'npm test': () => isScript('test', 'node scripts/run.mjs test'),
  'npm run setup': async () => {
    isScript('setup', 'node scripts/setup.mjs');
    const { code, output } = await outputOf(['scripts/setup.mjs']);
    assert.equal(code, 0, output);
  },
  'npm start -- --single': () => isScript('start', 'node scripts/run.mjs start'),
  'npm start -- --port 7980 --udp-port 7992-8055 --rtc.tcp_port 7991': () => {
    const { port, rtc } = optionsOf('--port 7980 --udp-port 7992-8055 --rtc.tcp_port 7991');
    assert.equal(port, 7980);
    assert.deepEqual(rtc.udp_port, { start: 7992, end: 8055 });
    assert.equal(rtc.tcp_port, 7991);
  },
  [WITH_FILE]: async () => {
    isScript('node', 'node scripts/run.mjs node');
    await servesWithFile();
  },
  [`${WITH_FILE} ports`]: print(`${WITH_FILE} ports`, /6789 - Prometheus/),
  [`${NODE} generate-keys`]: print(`${NODE} generate-keys`, /^API Secret: {2}\w{43}$/m),
  [`${WITH_FILE} create-join-token --room demo --identity ada`]: print(
    `${WITH_FILE} create-join-token --room demo --identity ada`,
    /^Token: eyJ/m,
  ),
  [`${NODE} help-verbose`]: print(`${NODE} help-verbose`, /--turn\.udp_port/),
  'curl -s http://127.0.0.1:7880/': async () => {
    const { port } = loadConfig({ argv: ['--config', file], env: {}, cores: 2 }).config;
    assert.equal(port, 7880);
    await servesWithFile();
  },
};

// Those of bin/sluice are shown by cluster.test.ts.
const COMMANDS = [...new Set(runnable('sh').flatMap(({ text }) => text.split('\n')))].filter(
  (command) => !command.startsWith('bin/sluice '),
);

test('every command is one that is shown to work, and none is left over', () => {
  assert.deepEqual([...COMMANDS].sort(), Object.keys(SHOWN).sort());
});

for (const command of COMMANDS) {
  test(command, { timeout: 90_000 }, async () => {
    await SHOWN[command]?.();
  });
}

function isScript(name: string, command: string): void {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  // exec: whoever ends npm ends the program too, not the shell between them alone.
  assert.equal(scripts[name]?.replace(/^exec /, ''), command);
  assert.ok(existsSync(join(REPOSITORY, command.split(' ')[1] ?? '')));
}

const optionsOf = (text: string) =>
  loadConfig({ argv: ['--dev', ...text.split(' ')], env: {}, cores: 2 }).config;

async function servesWithFile(): Promise<void> {
  const port = await freeTcpPort();
  const metrics = await freeTcpPort();
  const media = await freePortRange(2);
  const own = [
    ...['--bind', '127.0.0.1', '--port', `${port}`, '--prometheus.port', `${metrics}`],
    ...['--sluice.workers', '1', '--udp-port', `${media}`, '--rtc.tcp_port', `${media + 1}`],
    // Instead of asking a STUN server on the internet.
    ...['--node-ip', '127.0.0.1', '--rtc.use_external_ip=false'],
  ];
  const node = runNode([...argsOf(WITH_FILE), ...own]);
  try {
    const health = await until(
      'the node to be healthy',
      () => tryFetch(`http://127.0.0.1:${port}/`),
      {
        timeoutMs: 20_000,
        explain: node.output,
      },
    );
    assert.equal(health && (await health.text()), 'OK');
    assert.equal((await fetch(`http://127.0.0.1:${metrics}/metrics`)).status, 200);
    // The page is for development, unless it is asked for.
    assert.equal((await fetch(`http://127.0.0.1:${port}/meet`)).status, 404);
  } finally {
    node.child.kill('SIGTERM');
  }
  assert.equal(await node.ended, 0, node.output());
}

async function tryFetch(url: string): Promise<Response | undefined> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(2000) });
  } catch {
    return undefined;
  }
}
