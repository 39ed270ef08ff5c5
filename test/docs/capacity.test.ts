/** What the page on capacity says: its commands, and the figures that it names. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readPrices } from '../../node-image/capacity';
import { FULL_LOAD } from '../../node-image/capacity/room-fit';
import { VIDEO_PROFILES } from '../../node-image/capacity/traffic';
import { DEPLOYMENT_DEFAULTS } from '../../node-image/contract';
import { type Ran, type RunOptions, sluice } from '../cli/run-sluice';
import { readPages, runnable } from './support/pages';

const PAGE = 'docs/capacity.md';
const TEXT = readPages().find(({ path }) => path === PAGE)?.text ?? '';
const folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const SVG = join(folder, 'plan.svg');
const CALIBRATION = join(folder, 'sluice-calibration.json');

/** Its files are in a folder of the test. */
const run = (command: string, options?: RunOptions): Promise<Ran> =>
  sluice(
    command
      .replace('plan.svg', SVG)
      .replace('sluice-calibration.json', CALIBRATION)
      .split(' ')
      .slice(1),
    options,
  );

type Show = (command: string) => Promise<void>;

const says =
  (expected: RegExp): Show =>
  async (command) => {
    const { output, errors } = await run(command);
    assert.equal(errors, '');
    assert.match(output, expected);
  };

const MEETINGS = 'bin/sluice plan --rooms 50 --participants 8 --video 720p';

/** How each command is shown to work, in the order of the page. */
const SHOWN: Readonly<Record<string, Show>> = {
  [`${MEETINGS} --audio`]: says(/^AWS, us-east-1: [\s\S]*^Azure, eastus: /m),
  [`${MEETINGS} --watch 360p --audio --hours 220`]: says(/received in 360p\)[\s\S]*for 220 hours/),
  'bin/sluice plan --publishers 1 --viewers 1000 --video 720p --cloud azure': says(
    /^1 Room of 1 who send and 1000 who view/,
  ),
  'bin/sluice plan --rooms 10 --publishers 2 --viewers 100 --video 360p --cloud aws --region eu-west-1 --masters 3':
    says(/^AWS, eu-west-1: [\s\S]* Redis \d+/m),
  'bin/sluice plan --rooms 50 --participants 8 --video 360p --audio --cloud azure --machine Standard_F4s_v2 --masters 0':
    says(/Single Node on Standard_F4s_v2|Standard_F4s_v2: one machine alone carries \d+ Rooms/),
  [`${MEETINGS} --audio --json`]: async (command) => {
    const { candidates } = JSON.parse((await run(command)).output);
    assert.ok(candidates.length > 5);
  },
  [`${MEETINGS} --audio --plot plan.svg`]: async (command) => {
    await says(/Media Node/)(command);
    assert.match(readFileSync(SVG, 'utf8'), /^<svg /);
  },
  'bin/sluice plan --calibrate': async (command) => {
    // Where it is run is where it writes; what it runs is shown by calibrate.test.ts.
    const { code, output } = await run(`${command} --calibration sluice-calibration.json`);
    assert.equal(code, 0);
    assert.match(output, /µs of CPU a packet/);
    assert.ok(existsSync(CALIBRATION));
  },
  [`${MEETINGS} --audio --calibration sluice-calibration.json`]: async (command) => {
    const files = { [CALIBRATION]: readFileSync(CALIBRATION, 'utf8') };
    const { output, errors } = await run(command, { files });
    assert.equal(errors, '');
    assert.match(output, / Calibrated: /);
  },
};

const COMMANDS = [
  ...new Set(
    runnable('sh')
      .flatMap(({ text }) => text.split('\n'))
      .filter((line) => line.startsWith('bin/sluice plan ')),
  ),
];

test('every command that plans is one that is shown to work, and none is left over', () => {
  assert.deepEqual([...COMMANDS].sort(), Object.keys(SHOWN).sort());
});

for (const command of COMMANDS) test(command, async () => SHOWN[command]?.(command));

test('the figures that it names are those of the model', () => {
  const [low, middle, top] = VIDEO_PROFILES['720p'].map(({ bitsPerSecond }) => bitsPerSecond / 1e3);
  assert.ok(TEXT.includes(`720p: ${(top ?? 0) / 1e3} Mbit/s, ${middle} and ${low} kbit/s`));
  assert.ok(TEXT.includes(`below the target load, ${DEPLOYMENT_DEFAULTS.targetLoad},`));
  assert.ok(TEXT.includes(`(${FULL_LOAD}), and no fuller`));
  for (const { regions } of [readPrices().aws]) {
    for (const { machines } of regions) {
      for (const { vcpus, networkGbps } of machines) assert.ok(vcpus >= 32 || networkGbps <= 5);
    }
  }
});
