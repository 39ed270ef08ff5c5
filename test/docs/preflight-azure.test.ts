/** What the page on Azure says of the command that looks at a subscription. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sluice } from '../cli/run-sluice';
import { preflight } from '../cloud/preflight-azure-world';
import { readPages } from './support/pages';

const TEXT = readPages().find(({ path }) => path === 'docs/azure.md')?.text ?? '';
const SECTION = TEXT.split('### Before a deployment')[1]?.split('\n## ')[0] ?? '';
const ROWS = SECTION.split('\n').filter((line) => line.startsWith('| '));

test('the table names every check, and no other', async () => {
  const [all, spot] = await Promise.all([preflight(), preflight({ question: { spot: true } })]);
  const told = [...all.findings, ...spot.findings].map(({ check }) => check);
  // "Cores, spot" is one.
  const named = ROWS.slice(1).flatMap((row) =>
    (row.split('|')[1] ?? '')
      .trim()
      .replace('Cores, spot', 'Cores; spot')
      .split(', ')
      .map((name) => name.replace(';', ',')),
  );
  assert.deepEqual([...new Set(told)].sort(), named.sort());
});

test('the options of the table are all that the command has', async () => {
  const { output } = await sluice(['preflight', 'azure', '--help']);
  const known = [...output.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
  const said = [...ROWS.join('\n').matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(said), '--json'].sort(), known.sort());
});

test('the commands of the page are understood', async () => {
  const commands = [...SECTION.matchAll(/^bin\/sluice (.+)$/gm)];
  assert.equal(commands.length, 2);
  for (const [, words = ''] of commands) {
    let asked = 0;
    const { code, errors } = await sluice(words.split(' '), {
      preflightAzure: async () => {
        asked += 1;
        return { caller: undefined, findings: [] };
      },
    });
    assert.deepEqual([code, errors, asked], [0, '', 1]);
  }
});
