import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Plan } from '../../node-image/capacity';
import { readCosts } from '../../node-image/capacity';
import { type RunOptions, sluice } from '../cli/run-sluice';

const folder = mkdtempSync(join(tmpdir(), 'sluice-plan-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, options: RunOptions = {}) => sluice(command.split(' '), options);

async function answer(command: string, options?: RunOptions): Promise<Plan & { code: number }> {
  const { code, output, errors } = await run(`${command} --json`, options);
  assert.equal(errors, '');
  return { ...(JSON.parse(output) as Plan), code };
}

describe('what other servers name as their measure', () => {
  test('50 Rooms of 8: nodes and money of both clouds, with their bounds', async () => {
    const plan = await answer('plan --rooms 50 --participants 8 --video 720p --audio');
    assert.equal(plan.code, 0);
    assert.equal(plan.traffic.participants, 400);
    assert.equal(plan.traffic.subscriptions, 50 * 8 * 7 * 2);
    assert.deepEqual([...new Set(plan.candidates.map(({ cloud }) => cloud))], ['aws', 'azure']);
    for (const { nodes, usd, usdBounds } of plan.candidates) {
      assert.ok(nodes.expected >= 1 && nodes.low <= nodes.expected);
      assert.ok(usd.traffic > usd.mediaNodes, 'traffic is what counts');
      assert.ok(usdBounds.low <= usd.together && usd.together <= (usdBounds.high ?? Infinity));
    }
    const { output } = await run('plan --rooms 50 --participants 8 --video 720p --audio');
    assert.match(output, /^50 Rooms of 8 \(video up to 720p and audio\): 400 participants, 5600/);
    assert.match(output, /AWS, us-east-1: \d+ Media Nodes? of c7i\.\w+/);
    assert.match(output, /Azure, eastus: \d+ Media Nodes? of Standard_F\d+s_v2/);
    const many = await run(
      'plan --rooms 900 --participants 8 --audio --machine c7i.large --cloud aws',
    );
    assert.match(
      many.output,
      /^Give the cluster `mediaNodes\.maxCapacity` \d+ or more: it is 4 by/m,
    );
    assert.match(output, /List prices of \d{4}-\d\d/);
    assert.match(output, /Costs measured \d{4}-\d\d-\d\d on \d+ cores of /);
    for (const doubt of readCosts().doubts) assert.ok(output.includes(doubt), doubt);
    for (const line of output.split('\n').filter((one) => /^[|+]/.test(one))) {
      assert.ok(line.length <= 100, line);
    }
  });

  test('50 Rooms of 8 on one machine of 4 cores: how many it carries', async () => {
    const command = 'plan --rooms 50 --participants 8 --video 360p --audio --masters 0';
    const one = `${command} --cloud azure --machine Standard_F4s_v2`;
    const plan = await answer(one);
    const [small] = plan.tooSmall;
    const [fits] = plan.candidates;
    const { output, code } = await run(one);
    if (fits === undefined) {
      assert.equal(code, 1);
      assert.ok(small && small.rooms.full > 10);
      assert.ok(small.rooms.atTarget < 50 || small.rooms.full < 52);
      assert.match(
        output,
        /one machine alone carries \d+ Rooms below 60 % load, \d+ when it is full/,
      );
    } else {
      assert.equal(code, 0);
      assert.equal(fits.nodes.expected, 1);
      assert.match(output, /a Single Node on Standard_F4s_v2/);
    }
  });

  test('1 publisher to 1000 viewers: whether a Room carries it, and how many it does', async () => {
    const command = 'plan --publishers 1 --viewers 1000 --video 720p --cloud azure';
    const plan = await answer(command);
    const { output, code } = await run(command);
    assert.equal(plan.traffic.subscriptions, 1000);
    if (plan.candidates.length > 0) {
      assert.equal(code, 0);
      assert.match(output, /Media Node/);
      return;
    }
    assert.equal(code, 1);
    const viewers = plan.tooSmall[0]?.largest?.viewers ?? 0;
    assert.ok(viewers > 100 && viewers < 1000, `${viewers}`);
    assert.match(output, /Azure: no machine carries it\.\n- Standard_F2s_v2, .*: one Room is more/);
    assert.ok(output.includes(`the largest that fits has ${viewers} viewers`));
    const fitting = await answer(command.replace('1000', `${viewers}`));
    assert.equal(fitting.code, 0);
  });
});

test('a Room that is larger than the target load has a machine for itself, and that is said', async () => {
  // Sound to so many that one core is nearly used up: more than 0.6 of two.
  const { cpu } = readCosts();
  const costOfViewer = 50 * cpu.forwardedAudioPacket + cpu.participant;
  const viewers = Math.floor((0.8 * 1e6) / costOfViewer);
  const command = `plan --rooms 3 --viewers ${viewers} --audio --machine Standard_F2s_v2 --cloud azure`;
  const { output, code } = await run(`${command} --target-load 0.3`);
  assert.equal(code, 0, output);
  assert.match(output, /: 3 Media Nodes of Standard_F2s_v2/);
  assert.match(output, /^A Room alone makes more than the target load/m);
  assert.ok(!(await run(`${command} --target-load 0.9`)).output.includes('A Room alone'));
});

test('all that is wrong is told at once', async () => {
  const { code, errors, output } = await run(
    'plan --rooms x --participants 0 --viewers 3 --video 4k --region mars --machine z --masters 99 --hours 0 --stay 3 --target-load 7 --calibration gone.json',
  );
  assert.equal(code, 2);
  assert.equal(output, '');
  for (const what of [
    /^--rooms: got "x", allowed is a whole number from 1 to 1000000; /m,
    /^--participants: got "0"/m,
    /^--participants: got together with --publishers or --viewers/m,
    /^--video: got "4k", allowed is one of 360p, 720p, 1080p/m,
    /^--masters: got "99"/m,
    /^--target-load: got "7"/m,
    /^--hours: got "0"/m,
    /^--stay: got "3"/m,
    /^--region: got "mars" without --cloud/m,
    /^--machine: got "z"/m,
    /^--calibration: got "gone\.json": ENOENT/m,
  ]) {
    assert.match(errors, what);
  }
  const nothing = await run('plan');
  assert.equal(nothing.code, 2);
  assert.match(nothing.errors, /^--participants: got nothing.*\n--video and --audio: got none/);
});

test('a calibration that is there is gone by, and one that is none is refused', async () => {
  const costs = readCosts();
  const calibration = (times: number): string =>
    JSON.stringify({
      ...{ processor: 'slow', cores: 4, measuredAt: '2026-01-01T00:00:00.000Z' },
      microsecondsPerPacket: times * costs.calibration.microsecondsPerPacket,
    });
  const command = 'plan --rooms 200 --participants 8 --audio --cloud azure';
  const [own] = (await answer(command)).candidates;
  const files = { 'sluice-calibration.json': calibration(3) };
  const slow = await answer(command, { files });
  assert.ok(own);
  const same = slow.candidates.find(({ machine }) => machine.type === own.machine.type);
  assert.ok(same && same.nodes.expected > own.nodes.expected);
  assert.match((await run(command, { files })).output, /a packet costs 3\.00 times what it did/);
  assert.match((await run(command)).output, /Not calibrated/);
  const broken = await run(command, { files: { 'sluice-calibration.json': '{}' } });
  assert.equal(broken.code, 2);
  assert.match(broken.errors, /--calibration: got "sluice-calibration\.json": processor: /);
});

test('--calibrate measures, and writes what plans go by', async () => {
  const file = join(folder, 'calibration.json');
  const { code, output } = await run(`plan --calibrate --calibration ${file}`);
  assert.equal(code, 0);
  assert.match(output, /^2 cores of test: 10\.0 µs of CPU a packet, \d+\.\d\d times/);
  const text = readFileSync(file, 'utf8');
  const planned = await run(`plan --participants 8 --audio --calibration ${file}`, {
    files: { [file]: text },
  });
  assert.equal(planned.code, 0, planned.errors);
  assert.match(planned.output, /^Costs measured.* Calibrated: /m);
  const more = await run('plan --calibrate --rooms 3 --target-load 0.5');
  assert.equal(more.code, 2);
  assert.match(more.errors, /got --rooms, --target-load too/);
});

test('--plot draws nodes over Rooms, and a file that cannot be written is named', async () => {
  const file = join(folder, 'plan.svg');
  const command = 'plan --rooms 50 --participants 8 --video 360p --audio --plot';
  assert.equal((await run(`${command} ${file}`)).code, 0);
  const svg = readFileSync(file, 'utf8');
  assert.match(svg, /^<svg [\s\S]*<title>[^<]+<\/title>[\s\S]*Standard_F\d+s_v2[\s\S]*<\/svg>\n$/);
  assert.match(svg, /at most, \+\d+ %/);
  const refused = await run(`${command} ${join(folder, 'none', 'plan.svg')}`);
  assert.equal(refused.code, 1);
  assert.match(refused.errors, /plan\.svg cannot be written \(ENOENT.*by --plot\./);
});

test('plan --help fits 100 columns, and has examples', async () => {
  const { code, output } = await run('plan --help');
  assert.equal(code, 0);
  assert.match(output, /Examples:\n {2}sluice plan --rooms 50/);
  for (const line of output.split('\n')) assert.ok(line.length <= 100, line);
});
