/** What the page on AWS says of the command that looks at an account. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sluice } from '../cli/run-sluice';
import { preflight, SUBNETS } from '../cloud/preflight-world';
import { readPages } from './support/pages';

const TEXT = readPages().find(({ path }) => path === 'docs/aws.md')?.text ?? '';
const SECTION = TEXT.split('### Before a deployment')[1]?.split('\n## ')[0] ?? '';
const ROWS = SECTION.split('\n').filter((line) => line.startsWith('| '));

test('the table names every check, and no other', async () => {
  const { findings } = await preflight({
    question: { spot: true, loadBalancer: undefined },
    answers: {
      DescribeSubnetsCommand: {
        Subnets: Object.values(SUBNETS).map((each) =>
          each === SUBNETS.a ? { ...each, VpcId: 'vpc-2' } : each,
        ),
      },
    },
  });
  // That of a load balancer of one's own is told only where there is one.
  const told = new Set([...findings.map(({ check }) => check), 'Load balancer']);
  // "Role of autoscaling, spot" stands for both; "vCPUs, spot" is one.
  const cells = ROWS.slice(1).map((row) => row.split('|')[1]?.trim() ?? '');
  const named = cells.flatMap((cell) => {
    if (cell.startsWith('vCPUs')) return cell.split('; ');
    const [first = '', ...others] = cell.split(', ');
    return first.startsWith('Role of')
      ? [first, ...others.map((each) => `Role of ${each}`)]
      : [first, ...others];
  });
  assert.deepEqual([...told].sort(), named.sort());
});

test('the options of the table are all that the command has', async () => {
  const { output } = await sluice(['preflight', 'aws', '--help']);
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
      preflight: async () => {
        asked += 1;
        return { caller: undefined, findings: [] };
      },
    });
    assert.deepEqual([code, errors, asked], [0, '', 1]);
  }
});
