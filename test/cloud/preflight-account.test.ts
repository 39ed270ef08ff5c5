import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeCaller } from '../../node-image/cloud/aws/preflight/caller';
import { awsError } from '../support/aws/fake-clients';
import { bad } from './preflight-cases';
import { ACCOUNT, type Case, parameters, preflight, tells } from './preflight-world';

const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/developers`;

const withoutRole =
  (missing: string) =>
  ({ RoleName }: Readonly<Record<string, unknown>>): object =>
    RoleName === missing ? awsError('NoSuchEntityException') : { Role: { RoleName } };
const withBoundary =
  (owner: string) =>
  ({ RoleName }: Readonly<Record<string, unknown>>): object => ({
    Role: {
      RoleName,
      ...(RoleName === owner && {
        PermissionsBoundary: { PermissionsBoundaryArn: BOUNDARY },
      }),
    },
  });
const serviceRole = (name: string, service: string): Case => ({
  name: `no role of ${service}`,
  question: { spot: true, loadBalancer: undefined },
  answers: { GetRoleCommand: withoutRole(name) },
  check: `Role of ${service}`,
  found: new RegExp(`^${name} is not there`),
  todo: new RegExp(`create-service-linked-role --aws-service-name ${service}\\.amazonaws\\.com$`),
});

const CASES: readonly Case[] = [
  {
    name: 'an account that is not bootstrapped',
    answers: { GetParameterCommand: parameters(undefined) },
    check: 'CDK bootstrap',
    found: /^none with the qualifier hnb659fds in eu-west-1 of 123456789012$/,
    todo: /npx cdk bootstrap aws:\/\/123456789012\/eu-west-1$/,
  },
  {
    name: 'a bootstrap that is too old',
    answers: { GetParameterCommand: parameters('5') },
    check: 'CDK bootstrap',
    found: /^version 5, and 6 is the oldest/,
    todo: /npx cdk bootstrap/,
  },
  {
    name: 'a region without images of Debian',
    answers: { GetParameterCommand: parameters('21', false) },
    check: 'Image of Debian',
    found: /no \/aws\/service\/debian\/release\/12\/latest\/amd64$/,
    todo: /fromAmi\(\)/,
  },
  serviceRole('AWSServiceRoleForAutoScaling', 'autoscaling'),
  serviceRole('AWSServiceRoleForElasticLoadBalancing', 'elasticloadbalancing'),
  serviceRole('AWSServiceRoleForElastiCache', 'elasticache'),
  serviceRole('AWSServiceRoleForEC2Spot', 'spot'),
  {
    name: 'a boundary of the caller, who has a role',
    answers: { GetRoleCommand: withBoundary('Deployer') },
    check: 'Permissions boundary',
    status: 'warning',
    found: /^the role Deployer has arn:.*policy\/developers$/,
    todo: /PermissionsBoundary\.of\(stack\)\.apply\(\)/,
  },
  {
    name: 'a boundary of the caller, who is a user',
    answers: {
      GetCallerIdentityCommand: { Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:user/dev/ada` },
      GetUserCommand: ({ UserName }) => ({
        User: { UserName, PermissionsBoundary: { PermissionsBoundaryArn: BOUNDARY } },
      }),
    },
    check: 'Permissions boundary',
    status: 'warning',
    found: /^the user ada has/,
    todo: /--custom-permissions-boundary/,
  },
  {
    name: 'a boundary of the role that the CDK deploys with',
    answers: {
      GetRoleCommand: withBoundary(`cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-eu-west-1`),
    },
    check: 'Permissions boundary',
    status: 'warning',
    found: /^the role cdk-hnb659fds-cfn-exec-role-123456789012-eu-west-1 has/,
    todo: /PermissionsBoundary/,
  },
];

describe('sluice preflight aws tells of', () => {
  for (const one of CASES) it(one.name, () => tells(one));
});

describe('sluice preflight aws', () => {
  it('finds nothing in an account that is in order, and says what nobody can know', async () => {
    const report = await preflight();
    assert.deepEqual(bad(report), []);
    const unchecked = report.findings.filter(({ status }) => status === 'unchecked');
    assert.deepEqual(
      unchecked.map(({ check }) => check),
      ['Free capacity', 'Rights to deploy', 'Ports in between'],
    );
    assert.deepEqual(report.caller, {
      account: ACCOUNT,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Deployer/ada`,
      region: 'eu-west-1',
      partition: 'aws',
    });
  });

  it('only reads', async () => {
    const { sent } = await preflight({ question: { spot: true } });
    assert.ok(new Set(sent).size > 15);
    for (const name of sent) assert.match(name, /^(Get|List|Describe)/);
  });

  it('says that it knows nothing where nothing may be asked, and holds none of it to be bad', async () => {
    const { findings } = await preflight({
      answers: Object.fromEntries(
        ['GetParameter', 'GetRole', 'GetUser', 'DescribeKey'].map((name) => [
          `${name}Command`,
          awsError('AccessDenied', 'you may not'),
        ]),
      ),
    });
    for (const [title, right] of [
      ['CDK bootstrap', 'ssm:GetParameter'],
      ['Image of Debian', 'ssm:GetParameter'],
      ['Role of autoscaling', 'iam:GetRole'],
      ['Permissions boundary', 'iam:GetRole and iam:GetUser'],
      ['Key of the disks', 'kms:DescribeKey'],
    ]) {
      const one = findings.find(({ check }) => check === title);
      assert.equal(one?.status, 'unchecked');
      assert.equal(one?.todo, `Allow ${right} to whoever runs this, or look for yourself.`);
    }
  });

  it('asks nothing more where AWS knows nobody', async () => {
    for (const [name, todo] of [
      ['CredentialsProviderError', /AWS_PROFILE/],
      ['ExpiredTokenException', /Log in again/],
      ['InvalidClientTokenId', /region is enabled/],
      ['TimeoutError', /reaches AWS/],
    ] as const) {
      const { findings, sent, caller } = await preflight({
        answers: { GetCallerIdentityCommand: awsError(name) },
      });
      assert.deepEqual(sent, ['GetCallerIdentityCommand']);
      assert.equal(caller, undefined);
      assert.equal(findings.length, 1);
      assert.equal(findings[0]?.status, 'failed');
      assert.match(findings[0]?.todo ?? '', todo);
    }
  });

  it('says how to name a region', () => {
    const refused = { denied: false, refused: 'Region is missing' };
    const { finding, caller } = judgeCaller(refused, refused);
    assert.equal(caller, undefined);
    assert.deepEqual(finding, {
      check: 'Credentials and region',
      status: 'failed',
      found: 'no region: Region is missing',
      todo: 'Set AWS_REGION, such as AWS_REGION=eu-west-1, to where the stack is to be.',
    });
  });

  it('asks for the roles that the deployment takes, and for no others', async () => {
    const { findings } = await preflight({ question: { masters: 1 } });
    const roles = findings.flatMap(({ check }) => (check.startsWith('Role of') ? [check] : []));
    assert.deepEqual(roles, ['Role of autoscaling']);
  });

  it('knows the root of an account, and a deployer that is not there, to have no boundary', async () => {
    const report = await preflight({
      answers: {
        GetCallerIdentityCommand: { Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:root` },
        GetRoleCommand: withoutRole(`cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-eu-west-1`),
      },
    });
    assert.deepEqual(bad(report), []);
  });

  it('goes on where one check itself fails, and says so', async () => {
    const odd = { Type: 'network', SecurityGroups: null };
    const { findings } = await preflight({
      answers: { DescribeLoadBalancersCommand: { LoadBalancers: [odd] } },
    });
    const one = findings.find(({ check }) => check === 'Load balancer');
    assert.equal(one?.status, 'unchecked');
    assert.match(one?.found ?? '', /^this check has failed: TypeError/);
    assert.equal(findings.at(-1)?.check, 'Ports in between');
  });
});
