/** What the page on Azure says of the command that looks at a subscription. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight } from '../cloud/preflight-azure-world';
import { preflightPage, testPreflightPage } from './support/preflight-page';

const PAGE = preflightPage('docs/azure.md');

test('the table names every check, and no other', async () => {
  const [all, spot] = await Promise.all([preflight(), preflight({ question: { spot: true } })]);
  const told = [...all.findings, ...spot.findings].map(({ check }) => check);
  // "Cores, spot" is one.
  const named = PAGE.checks.flatMap((cell) =>
    cell
      .replace('Cores, spot', 'Cores; spot')
      .split(', ')
      .map((name) => name.replace(';', ',')),
  );
  assert.deepEqual([...new Set(told)].sort(), named.sort());
});

testPreflightPage(PAGE, 'azure', (preflightAzure) => ({ preflightAzure }));
