/** What the page on AWS says of the command that looks at an account. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight, SUBNETS } from '../cloud/preflight-world';
import { preflightPage, testPreflightPage } from './support/preflight-page';

const PAGE = preflightPage('docs/aws.md');

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
  const named = PAGE.checks.flatMap((cell) => {
    if (cell.startsWith('vCPUs')) return cell.split('; ');
    const [first = '', ...others] = cell.split(', ');
    return first.startsWith('Role of')
      ? [first, ...others.map((each) => `Role of ${each}`)]
      : [first, ...others];
  });
  assert.deepEqual([...told].sort(), named.sort());
});

testPreflightPage(PAGE, 'aws', (preflightAws) => ({ preflight: preflightAws }));
