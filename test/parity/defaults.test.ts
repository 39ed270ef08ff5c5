/** What both clouds document: the same options with the same defaults, by the same words. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DEPLOYMENT_DEFAULTS, JOB_SIZES } from '../../node-image/contract';

const REPOSITORY = join(__dirname, '../..');

/** Documented defaults of the optional properties in a file, by name. */
function documented(file: string): Map<string, string> {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  const found = new Map<string, string>();
  for (const [, comment = '', name = ''] of text.matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+)\?:/g,
  )) {
    const value = /@default ([\s\S]*)$/.exec(comment)?.[1] ?? '';
    found.set(name, value.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim());
  }
  return found;
}

/** `Duration.minutes(15)`, `Size.gibibytes(20)` and `15` are the same number. */
function plain(text: string | undefined): string | undefined {
  return text
    ?.replace(/Duration\.hours\((\d+)\)/, (_, hours) => String(Number(hours) * 60))
    .replace(/(?:Duration\.minutes|Size\.gibibytes)\((\d+)\)/, '$1')
    .replace(/OnDeadline\.FORCE/, 'force')
    .replace(/RemovalPolicy\.RETAIN_ON_UPDATE_OR_DELETE/, 'true');
}

/** File by file: the option on AWS, and on Azure. */
const SAME: readonly [string, string, readonly (readonly [string, string])[]][] = [
  [
    'constructs/media-nodes-options.ts',
    'pulumi-azure/media-nodes-options.ts',
    [
      ['minCapacity', 'minCapacity'],
      ['maxCapacity', 'maxCapacity'],
      ['initialCapacity', 'initialCapacity'],
      ['drain', 'drain'],
      ['scaling', 'scaling'],
      ['onDemandBase', 'onDemandBase'],
      ['percentage', 'percentage'],
    ],
  ],
  [
    'constructs/node-drain.ts',
    'pulumi-azure/node-drain.ts',
    [
      ['patience', 'patienceMinutes'],
      ['deadline', 'deadlineMinutes'],
      ['onDeadline', 'onDeadline'],
    ],
  ],
  [
    'constructs/media-scaling.ts',
    'pulumi-azure/media-scaling.ts',
    [
      ['targetLoad', 'targetLoad'],
      ['headroomRooms', 'headroomRooms'],
      ['scaleInAfter', 'scaleInAfterMinutes'],
    ],
  ],
  [
    'constructs/turn.ts',
    'pulumi-azure/turn.ts',
    [
      ['tls', 'tls'],
      ['credentialLife', 'credentialLifeMinutes'],
      ['allocationsPerParticipant', 'allocationsPerParticipant'],
      ['relayTo', 'relayTo'],
      ['port', 'port'],
    ],
  ],
  [
    'constructs/master-nodes-options.ts',
    'pulumi-azure/master-nodes-options.ts',
    [
      ['count', 'count'],
      ['diskSize', 'diskSizeGib'],
      ['size', 'sizeGib'],
      ['removalPolicy', 'retain'],
      ['creationTimeout', 'creationTimeoutMinutes'],
    ],
  ],
  [
    'constructs/jobs.ts',
    'pulumi-azure/jobs.ts',
    [
      ...Object.keys(JOB_SIZES).map((kind) => [kind, kind] as const),
      ['recordings', 'recordings'],
      ['rtmp', 'rtmp'],
      ['queue', 'queueMinutes'],
      ['sizes', 'sizes'],
    ],
  ],
  [
    'constructs/recordings-store.ts',
    'pulumi-azure/recordings-store.ts',
    [['removalPolicy', 'retain']],
  ],
  ['constructs/observability.ts', 'pulumi-azure/observability.ts', [['fullAtCpu', 'fullAtCpu']]],
  ['constructs/cluster.ts', 'pulumi-azure/cluster.ts', [['logGroup', 'logGroup']]],
];

describe('both clouds document the same defaults', () => {
  for (const [there, here, options] of SAME) {
    test(`in ${here}`, () => {
      const [aws, azure] = [documented(there), documented(here)];
      for (const [name, counterpart] of options) {
        assert.ok(aws.has(name), `${there} ${name}`);
        assert.equal(azure.get(counterpart), plain(aws.get(name)), counterpart);
      }
    });
  }

  test('and these are what is used', () => {
    const jobs = documented('pulumi-azure/jobs.ts');
    // Of `rtmp` the file has two: a size, and whether there is any.
    for (const [kind, cpus] of Object.entries(JOB_SIZES)) {
      if (kind !== 'rtmp') assert.equal(jobs.get(kind), `${cpus}`);
    }
    const drain = documented('pulumi-azure/node-drain.ts');
    assert.equal(drain.get('patienceMinutes'), String(DEPLOYMENT_DEFAULTS.patienceMinutes));
    assert.equal(drain.get('deadlineMinutes'), String(DEPLOYMENT_DEFAULTS.deadlineMinutes));
    const scaling = documented('pulumi-azure/media-scaling.ts');
    assert.equal(scaling.get('targetLoad'), String(DEPLOYMENT_DEFAULTS.targetLoad));
    assert.equal(scaling.get('headroomRooms'), String(DEPLOYMENT_DEFAULTS.headroomRooms));
    const media = documented('pulumi-azure/media-nodes-options.ts');
    assert.equal(media.get('minCapacity'), String(DEPLOYMENT_DEFAULTS.minCapacity));
    assert.match(
      media.get('maxCapacity') ?? '',
      new RegExp(`^${DEPLOYMENT_DEFAULTS.maxCapacity},`),
    );
  });
});
