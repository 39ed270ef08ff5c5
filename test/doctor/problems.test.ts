/** That each problem has its test, and its place in the docs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROBLEMS } from '../../node-image/lifecycle/doctor/problems';
import { sluice } from '../cli/run-sluice';
import { readPages } from '../docs/support/pages';

const TEXT = readPages().find(({ path }) => path === 'docs/operating.md')?.text ?? '';
const SECTION = TEXT.split('## Is this machine fit')[1]?.split('\n## ')[0] ?? '';
const ROWS = SECTION.split('\n').filter((line) => line.startsWith('| '));

test('each problem is induced by a test', () => {
  const sources = readdirSync(__dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(__dirname, name), 'utf8'))
    .join('\n');
  const without = Object.keys(PROBLEMS).filter((name) => !sources.includes(`\n  '${name}': {`));
  assert.deepEqual(without, []);
});

test('the table of the docs has each problem, as bad as it is, and no other', () => {
  const cells = ROWS.slice(1).map((row) => row.split('|')[2] ?? '');
  const named = cells.flatMap((cell) =>
    [...cell.matchAll(/`([a-z-]+)`(\\\*)?/g)].map(([, name = '', star]) => [
      name,
      star === undefined ? 'warning' : 'failed',
    ]),
  );
  assert.deepEqual(Object.fromEntries(named), PROBLEMS);
});

test('the commands and options of the docs are understood', async () => {
  const commands = [...SECTION.matchAll(/^bin\/sluice (.+)$/gm)];
  assert.equal(commands.length, 3);
  for (const [, words = ''] of commands) {
    const argv = words.replace('--config sluice.yaml', '').replace('--role media', '');
    let asked = 0;
    const { code, errors } = await sluice([...argv.split(' ').filter(Boolean), '--dev'], {
      doctor: async () => {
        asked += 1;
        return { isRunning: false, findings: [] };
      },
    });
    assert.deepEqual([code, errors, asked], [0, '', 1]);
  }
  const { output } = await sluice(['doctor', '--help']);
  for (const option of ['--domain', '--domain-port', '--time-server', '--json', '--config']) {
    assert.match(output, new RegExp(`^ {2}${option} `, 'm'));
  }
});
