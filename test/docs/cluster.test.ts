/** What the page on the cluster says: its commands, configurations, defaults and names. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { UpOptions } from '../../node-image/cli/commands/up';
import { createClient } from '../../node-image/cluster/redis/redis-connection';
import { configSchema, SLUICE_METRIC_NAMES, type SluiceConfig } from '../../node-image/contract';
import { checkSharedConfig, loadConfig } from '../../node-image/lifecycle/config';
import { type Ran, type RunOptions, sluice } from '../cli/run-sluice';
import { DocumentedCluster } from './support/documented-cluster';
import { REPOSITORY, readPages, runnable } from './support/pages';

const KEY = { LIVEKIT_API_KEY: 'devkey', LIVEKIT_API_SECRET: 'secret' };
const TEXT = readPages().find(({ path }) => path === 'docs/cluster.md')?.text ?? '';
const YAMLS = runnable('yaml').filter(({ page }) => page === 'docs/cluster.md');
const yamlWith = (part: string): string =>
  YAMLS.find(({ text }) => text.includes(part))?.text ?? '';
const ROOM_YAML = yamlWith('# room.yaml');

let cluster: DocumentedCluster;
let folder = '';
let file = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  file = join(folder, 'sluice.yaml');
  writeFileSync(file, yamlWith('role: media'));
});
after(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  cluster = await DocumentedCluster.start();
});
afterEach(() => cluster.close());

/** Runs a command of a page. Where it asks a cluster, that is this one. */
async function run(command: string, options: RunOptions = {}): Promise<Ran> {
  const words = command.split(' ').slice(1);
  const argv = words.map((word) => (word === 'sluice.yaml' ? file : word));
  return sluice(argv, {
    env: { ...KEY, SLUICE_URL: cluster.url },
    files: { 'room.yaml': ROOM_YAML },
    ...options,
  });
}

type Show = (command: string) => Promise<void>;

/** It ends with 0, and says that. */
const says =
  (expected: RegExp, options: RunOptions = {}): Show =>
  async (command) => {
    const { code, output, errors } = await run(command, options);
    assert.equal(code, 0, errors);
    assert.match(output, expected);
  };

const serves =
  (role: SluiceConfig['sluice']['role']): Show =>
  async (command) => {
    let served: SluiceConfig | undefined;
    const serve = async (config: SluiceConfig): Promise<void> => {
      served = config;
    };
    const { code, errors } = await run(command, { serve });
    assert.equal(code, 0, errors);
    assert.equal(served?.sluice.role, role);
  };

const starts =
  (nodes: UpOptions['nodes']): Show =>
  async (command) => {
    let started: UpOptions | undefined;
    const up = async (options: UpOptions): Promise<number> => {
      started = options;
      return 0;
    };
    assert.equal((await run(command, { up })).code, 0);
    assert.deepEqual(started?.nodes, nodes);
  };

/** How each command is shown to work, wherever it stands. */
const SHOWN: Readonly<Record<string, Show>> = {
  'bin/sluice up --nodes 1 --max-nodes 3': starts({ initial: 1, min: 1, max: 3 }),
  'bin/sluice serve --config sluice.yaml --role master': serves('master'),
  'bin/sluice serve --config sluice.yaml --role media': serves('media'),
  'bin/sluice serve --config sluice.yaml --role media ports': says(/^7870 - node link/m),
  'bin/sluice nodes --dev': says(/ND_one .*media .*serving .*media-1/),
  'bin/sluice nodes --json --dev': says(/"state": "serving"/),
  'bin/sluice rooms --dev': says(/There are no Rooms/),
  'bin/sluice rooms --node media-1 --dev': async (command) => {
    await cluster.room('demo');
    await says(/demo .*ND_one/)(command);
  },
  'bin/sluice explain room demo --dev': says(/Asked for now, it would go to ND_/),
  'bin/sluice audit --limit 20 --dev': says(/Nothing was decided yet/),
  'bin/sluice drain media-1 --wait --dev': (command) =>
    says(/its Rooms are moved in 15m.*\nND_one is empty\.$/m, { onSleep })(command),
  'bin/sluice drain media-1 --patience 0 --deadline 10m --wait --dev': (command) =>
    says(/its Rooms are moved now, what is left in 10m is ended\.\nND_one is empty\.$/m, {
      onSleep,
    })(command),
  'bin/sluice undrain media-1 --dev': async (command) => {
    await run('bin/sluice drain media-1');
    await says(/ND_one drains no more/)(command);
  },
  'bin/sluice remove media-1 --dev': (command) =>
    says(/It is given nothing new.*\nNothing is lost/, { onSleep })(command),
  'bin/sluice remove media-1 --force --dev': async (command) => {
    await cluster.room('demo');
    await says(/Interrupted: 1 Room .*: demo/)(command);
  },
  'bin/sluice keys add --dev': says(/^API Secret: {2}\w{43}$/m),
  'bin/sluice keys list --dev': says(/devkey .*configuration .*usable/),
  'bin/sluice keys retire APIkq3Vx9ZrT2wB --dev': says(/^APIkq3Vx9ZrT2wB is retired/),
  'bin/sluice config set --check room.yaml --dev': says(/It can be announced/),
  'bin/sluice config set room.yaml --dev': says(/Announced as version 1/),
  'bin/sluice config status --dev': says(/Nothing is announced/),
  'bin/sluice config show --dev': async (command) => {
    await run('bin/sluice config set room.yaml');
    await says(/max_participants: 20/)(command);
  },
  'bin/sluice token --room demo --identity ada --dev': says(/^eyJ[\w.-]+$/m),
};

const onSleep = (): void => void cluster.drained();

const COMMANDS = [
  ...new Set(
    runnable('sh')
      .flatMap(({ text }) => text.split('\n'))
      // capacity.test.ts shows those that plan.
      .filter((line) => line.startsWith('bin/sluice ') && !line.startsWith('bin/sluice plan ')),
  ),
];

test('every command of bin/sluice is one that is shown to work, and none is left over', () => {
  assert.deepEqual([...COMMANDS].sort(), Object.keys(SHOWN).sort());
});

for (const command of COMMANDS) {
  test(command, async () => {
    await SHOWN[command]?.(command);
  });
}

test('what is to be announced can be', () => {
  const given = { argv: ['--config', file], env: {}, cores: 2 };
  assert.deepEqual(checkSharedConfig(given, { yaml: ROOM_YAML }), { problems: [], warnings: [] });
});

describe('each Redis that is shown', () => {
  for (const part of ['address: 10.0.0.5', 'tls:', 'sentinel_addresses:', 'cluster_addresses:']) {
    test(`with ${part}`, () => {
      const { redis } = loadConfig({
        argv: ['--config-body', yamlWith(part)],
        env: {},
        cores: 2,
      }).config;
      // The file of the certificate is one of the reader's machine.
      const client = createClient({ ...redis, tls: { ...redis.tls, ca_cert_file: '' } }, 400);
      client.on('error', () => {});
      client.disconnect();
    });
  }
});

describe('the tables', () => {
  const defaults = configSchema.parse({});
  const rowOf = (key: string): string =>
    TEXT.split('\n').find((line) => line.startsWith(`| \`${key}\``)) ?? '';

  test('give the defaults of node_selector, and all that it takes', () => {
    for (const key of [
      'kind',
      'sort_by',
      'algorithm',
      'cpu_load_limit',
      'sysload_limit',
    ] as const) {
      assert.ok(rowOf(key).replaceAll('`', '').includes(`| ${defaults.node_selector[key]} |`), key);
    }
    for (const kind of ['any', 'random', 'sysload', 'cpuload', 'regionaware']) {
      assert.ok(rowOf('kind').includes(`\`${kind}\``), kind);
    }
    for (const key of [
      'random',
      'sysload',
      'cpuload',
      'rooms',
      'clients',
      'tracks',
      'bytespersec',
    ]) {
      assert.ok(rowOf('sort_by').includes(`\`${key}\``), key);
    }
  });

  test('give the defaults of drain and scaling', () => {
    const { drain, scaling } = defaults.sluice;
    assert.deepEqual([drain.patience, drain.deadline], [15 * 60_000, 3_600_000]);
    assert.match(rowOf('patience'), /\| 15m \|/);
    assert.match(rowOf('deadline'), /\| 1h \|/);
    assert.ok(rowOf('on_deadline').includes(`| \`${drain.on_deadline}\` |`));
    assert.ok(rowOf('group').includes(`| \`${scaling.group}\` |`));
    assert.ok(rowOf('min_nodes').includes(`| ${scaling.min_nodes}, ${scaling.max_nodes} |`));
    assert.ok(rowOf('target_load').includes(`| ${scaling.target_load} |`));
    assert.ok(rowOf('headroom_rooms').includes(`| ${scaling.headroom_rooms} |`));
    assert.deepEqual([scaling.scale_in_after, scaling.interval], [300_000, 5000]);
    assert.match(rowOf('scale_in_after'), /\| 5m \|/);
    assert.match(rowOf('interval'), /\| 5s \|/);
  });

  test('name the metrics of the cluster, and no others', () => {
    const said = new Set([...TEXT.matchAll(/`(sluice_\w+)`/g)].map(([, name = '']) => name));
    const { mediaObjects, fileDescriptors, fileDescriptorLimit, ...ofCluster } =
      SLUICE_METRIC_NAMES;
    assert.deepEqual([...said].sort(), Object.values(ofCluster).sort());
    const operating = readPages().find(({ path }) => path === 'docs/operating.md')?.text ?? '';
    for (const name of [mediaObjects, fileDescriptors, fileDescriptorLimit]) {
      assert.ok(operating.includes(`\`${name}\``), name);
    }
  });

  test('quote the log of the node link and of the drain as the code has them', () => {
    const code = readdirSync(join(REPOSITORY, 'node-image'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/(^|\/)(node_modules|dist)\//.test(name))
      .map((name) => readFileSync(join(REPOSITORY, 'node-image', name), 'utf8'))
      .join('\n');
    const quoted = [...TEXT.matchAll(/`((?:an?|no|something|another) [a-z][^`]+)`/g)];
    assert.ok(quoted.length >= 5);
    for (const [, text = ''] of quoted) assert.ok(code.includes(text), text);
  });
});
