/** How long `cdk synth` of the High Availability stack takes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { report } from '../support/measure-report';

const REPOSITORY = join(__dirname, '../..');
const RUNS = 4;
/** Seconds that whoever works on a stack waits: a goal, as other programs make it slower. */
const GOAL = 5;

/** Seconds. What finds an account or asks for news is off: it would measure the network. */
function synthesize(out: string): number {
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _key, ...kept } = process.env;
  // Who types the command has no cache of compiled files.
  const { NODE_COMPILE_CACHE: _cache, ...env } = kept;
  const begun = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(REPOSITORY, 'node_modules/aws-cdk/bin/cdk'),
      'synth',
      'SluiceHighAvailability',
      '--quiet',
      '--no-notices',
      '--no-version-reporting',
      '--output',
      out,
    ],
    {
      cwd: REPOSITORY,
      encoding: 'utf8',
      env: {
        ...env,
        CDK_VALIDATION: 'true',
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
    },
  );
  assert.equal(status, 0, stderr);
  return (performance.now() - begun) / 1000;
}

test('cdk synth of the High Availability stack: how long it takes is written down', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-synth-'));
  try {
    const times = Array.from({ length: RUNS }, (_, run) => {
      const out = join(folder, String(run));
      const seconds = synthesize(out);
      assert.ok(existsSync(join(out, 'SluiceHighAvailability.template.json')));
      return seconds;
    });
    const [first = 0, ...later] = times;
    const best = Math.min(...later);
    await report(t, {
      name: 'cdk-synth',
      about: `cdk synth SluiceHighAvailability, with the validation that CDK has on by default: the whole command, ${RUNS} times one after the other. The app defines all three stacks. The goal is below ${GOAL} s at best: ${best < GOAL ? 'reached' : 'missed'}.`,
      units: { first: 's', best: 's', worst: 's' },
      rows: [
        {
          case: 'cdk synth',
          figures: {
            first: first.toFixed(1),
            best: best.toFixed(1),
            worst: Math.max(...later).toFixed(1),
          },
        },
      ],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
