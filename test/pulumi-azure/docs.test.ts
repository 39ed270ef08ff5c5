/** What docs/azure.md says of the components is what they are. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import { PROGRAM_KEYS } from '../../pulumi-azure/program/settings';
import { runnable } from '../docs/support/pages';
import { MUTANTS } from './support/mutants';
import { inWorld } from './support/world';

const REPOSITORY = join(__dirname, '../..');
const page = readFileSync(join(REPOSITORY, 'docs/azure.md'), 'utf8');

test('the configuration that the page sets is read by the program', () => {
  const named = [...page.matchAll(/sluice:(\w+)/g)].map(([, key = '']) => key);
  assert.ok(named.length > 5);
  for (const key of named.filter((each) => each !== 'min' && each !== 'max')) {
    const isTag = ['target', 'headroom'].includes(key);
    assert.ok(isTag || Object.hasOwn(PROGRAM_KEYS, key), key);
  }
});

test('the page names all that the program reads', () => {
  const missing = Object.keys(PROGRAM_KEYS).filter(
    (key) => !page.includes(`\`${key}\``) && !page.includes(`sluice:${key}`),
  );
  assert.deepEqual(missing, []);
});

test('the table of sizes has the defaults that are used', () => {
  for (const [key, value] of [
    ['mediaNodesMinCapacity', DEPLOYMENT_DEFAULTS.minCapacity],
    ['mediaNodesMaxCapacity', DEPLOYMENT_DEFAULTS.maxCapacity],
    ['mediaNodesTargetLoad', DEPLOYMENT_DEFAULTS.targetLoad],
    ['mediaNodesHeadroomRooms', DEPLOYMENT_DEFAULTS.headroomRooms],
    ['drainPatienceMinutes', DEPLOYMENT_DEFAULTS.patienceMinutes],
    ['drainDeadlineMinutes', DEPLOYMENT_DEFAULTS.deadlineMinutes],
  ] as const) {
    assert.ok(page.includes(`| \`${key}\` | ${value} |`), key);
    assert.match(PROGRAM_KEYS[key] ?? '', new RegExp(`; ${value}$`));
  }
});

test('so many wrong inputs are caught as the page says', () => {
  assert.ok(page.includes(`${MUTANTS.length} wrong inputs`), String(MUTANTS.length));
});

test('the snippets deploy', async () => {
  const snippets = runnable('ts').filter(({ text }) => text.includes("'@sluice/pulumi-azure'"));
  assert.equal(snippets.length, 4);
  const folder = join(REPOSITORY, 'out', `azure-snippet-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const index = join(REPOSITORY, 'pulumi-azure/index');
    for (const { line, text } of snippets) {
      const file = join(folder, `snippet-${line}.ts`);
      writeFileSync(file, text.replace('@sluice/pulumi-azure', index));
      const world = await inWorld(() => require(file));
      assert.ok(world.only('sluice:azure:ElasticCluster'));
      const isWatched = text.includes('addAlarms');
      assert.equal(world.all('azure-native:monitor:MetricAlert').length > 0, isWatched);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
