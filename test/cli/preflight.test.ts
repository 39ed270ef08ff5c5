import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PreflightQuestion } from '../../node-image/cloud/aws/preflight/question';
import type { Finding } from '../../node-image/findings/finding';
import { sluice } from './run-sluice';

const CALLER = { account: '123456789012', arn: 'arn', region: 'eu-west-1', partition: 'aws' };
const COMMAND =
  'Ask for 22, which may take days: aws service-quotas request-service-quota-increase --service-code ec2 --desired-value 22';
const FINDINGS: readonly Finding[] = [
  { check: 'Credentials and region', status: 'ok', found: 'account 123456789012' },
  { check: 'vCPUs, on demand', status: 'failed', found: '22 needed, 20 there', todo: COMMAND },
  { check: 'Media Node types', status: 'warning', found: 't3.xlarge \u001b[31m', todo: 'c7i' },
  { check: 'Free capacity', status: 'unchecked', found: 'AWS does not say' },
];

async function run(argv: readonly string[], findings: readonly Finding[] = FINDINGS) {
  const asked: PreflightQuestion[] = [];
  const ran = await sluice(['preflight', 'aws', ...argv], {
    preflight: async (question) => {
      asked.push(question);
      return { caller: CALLER, findings };
    },
  });
  return { ...ran, asked };
}

describe('sluice preflight aws', () => {
  it('shows a table, and below it what to do, with commands in one piece', async () => {
    const { code, output, errors } = await run([]);
    assert.deepEqual([code, errors], [1, '']);
    const [table = '', ...rest] = output.split('\n\n');
    for (const line of table.split('\n')) assert.ok(line.length <= 100, line);
    assert.match(table, /\| Check +\| Result +\| Found +\|/);
    assert.match(table, /\| vCPUs, on demand +\| FAILS +\| 22 needed, 20 there +\|/);
    assert.match(table, /\| Free capacity +\| not checked +\|/);
    // What AWS names must not steer a terminal.
    assert.ok(!output.includes('\u001b'));
    assert.equal(
      rest.join('\n\n'),
      `What to do:\n- vCPUs, on demand: ${COMMAND}\n- Media Node types: c7i\n\n` +
        '1 ok, 1 failed, 1 warned of, 1 not checked.\n',
    );
  });

  it('ends with 0 where nothing fails, whatever is warned of or not checked', async () => {
    const { code, output } = await run(
      [],
      FINDINGS.filter(({ status }) => status !== 'failed'),
    );
    assert.equal(code, 0);
    assert.match(output, /1 ok, 0 failed, 1 warned of, 1 not checked\.\n$/);
    const ok = await run([], FINDINGS.slice(0, 1));
    assert.equal(ok.code, 0);
    assert.doesNotMatch(ok.output, /What to do/);
  });

  it('answers in JSON', async () => {
    const { code, output } = await run(['--json']);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(output), {
      ok: false,
      account: '123456789012',
      region: 'eu-west-1',
      findings: FINDINGS,
    });
    assert.equal(JSON.parse((await run(['--json'], [])).output).ok, true);
  });

  it('asks for what SluiceElastic takes, unless it is said otherwise', async () => {
    assert.deepEqual((await run([])).asked, [
      {
        domain: undefined,
        zone: undefined,
        certificate: undefined,
        instanceTypes: ['c7i.xlarge'],
        masterInstanceType: 'c7i.large',
        maxMediaNodes: 4,
        masters: 1,
        spot: false,
        staticAddresses: 0,
        subnets: [],
        masterSubnets: [],
        loadBalancer: undefined,
        key: undefined,
        qualifier: 'hnb659fds',
      },
    ]);
    assert.equal((await run(['--masters', '0'])).asked[0]?.maxMediaNodes, 1);
  });

  it('takes all that is said', async () => {
    const arn = (service: string, resource: string): string =>
      `arn:aws-cn:${service}:cn-north-1:123456789012:${resource}`;
    const { asked, errors } = await run([
      ...['--domain', 'meet.example.com', '--zone', 'Z0123456789ABCDEFGHIJ'],
      ...['--certificate', arn('acm', 'certificate/1')],
      ...['--instance-type', 'c7i.xlarge', '--instance-type', 'c6in.metal-32xl'],
      ...['--master-instance-type', 'c7g.large', '--max-media-nodes', '10', '--masters', '3'],
      ...['--spot', '--static-addresses', '11', '--subnet', 'subnet-0a1b2c3d'],
      ...['--subnet', 'subnet-0a1b2c3d4e5f60718', '--master-subnet', 'subnet-0a1b2c3e'],
      ...['--load-balancer', arn('elasticloadbalancing', 'loadbalancer/net/meet/1')],
      ...['--key', arn('kms', 'alias/disks'), '--qualifier', 'mine'],
    ]);
    assert.equal(errors, '');
    assert.deepEqual(asked, [
      {
        domain: 'meet.example.com',
        zone: 'Z0123456789ABCDEFGHIJ',
        certificate: 'arn:aws-cn:acm:cn-north-1:123456789012:certificate/1',
        instanceTypes: ['c7i.xlarge', 'c6in.metal-32xl'],
        masterInstanceType: 'c7g.large',
        maxMediaNodes: 10,
        masters: 3,
        spot: true,
        staticAddresses: 11,
        subnets: ['subnet-0a1b2c3d', 'subnet-0a1b2c3d4e5f60718'],
        masterSubnets: ['subnet-0a1b2c3e'],
        loadBalancer:
          'arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:loadbalancer/net/meet/1',
        key: 'arn:aws-cn:kms:cn-north-1:123456789012:alias/disks',
        qualifier: 'mine',
      },
    ]);
  });

  it('ends with 2 for what cannot be, says what can, and asks nobody', async () => {
    for (const [argv, told] of [
      [['--domain', 'meet'], /a host name such as meet\.example\.com/],
      [['--zone', '/hostedzone/Z1'], /the id of a zone such as/],
      [['--certificate', 'arn:aws:iam::123456789012:server-certificate/x'], /an ARN of acm: arn:/],
      [['--key', '1234'], /an ARN of kms: arn:aws:kms:REGION:ACCOUNT:key\/?\.\.\./],
      [['--load-balancer', 'meet'], /an ARN of elasticloadbalancing/],
      [['--instance-type', 'large'], /an instance type such as c7i\.xlarge/],
      [['--max-media-nodes', '0'], /a whole number, 1 or more/],
      [['--masters', '-1'], /a whole number, 0 or more/],
      [['--static-addresses', 'two'], /a whole number, 0 or more/],
      [['--subnet', 'vpc-1'], /the id of a subnet such as/],
      [['--qualifier', 'much-too-long'], /up to 10 letters and digits/],
      [['--masters', '0', '--max-media-nodes', '2'], /--masters 0 is a Single Node/],
      [['--masters', '0', '--master-subnet', 'subnet-0a1b2c3d'], /--masters 0 is a Single Node/],
      [['--regoin', 'x'], /unknown option/],
      [['extra'], /too many arguments/],
    ] as const) {
      const { code, errors, output, asked } = await run(argv);
      assert.deepEqual([code, output, asked], [2, '', []], argv.join(' '));
      assert.match(errors, told);
    }
    assert.equal((await sluice(['preflight'])).code, 2);
    assert.match((await sluice(['preflight', 'gcp'])).errors, /unknown command 'gcp'/);
  });
});
