import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeCaller } from '../../node-image/cloud/aws/preflight/caller';
import { permits } from '../../node-image/cloud/aws/preflight/key-policy';
import { awsError } from '../support/aws/fake-clients';
import {
  ACCOUNT,
  bad,
  type Case,
  GROUP_ROLE,
  KEY,
  parameters,
  policy,
  preflight,
  STATEMENTS,
  tells,
} from './preflight-world';

const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/developers`;
const { use, pass } = STATEMENTS;

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
const key = (facts: object) => ({
  DescribeKeyCommand: {
    KeyMetadata: {
      Arn: KEY,
      KeyManager: 'CUSTOMER',
      KeyState: 'Enabled',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
      ...facts,
    },
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
  {
    name: 'a key of another region',
    question: { key: `arn:aws:kms:us-east-1:${ACCOUNT}:key/1` },
    check: 'Key of the disks',
    found: /in the region us-east-1, and the stack in eu-west-1$/,
    todo: /a key of eu-west-1/,
  },
  {
    name: 'a key that is not there',
    answers: { DescribeKeyCommand: awsError('NotFoundException') },
    check: 'Key of the disks',
    found: /none of this ARN/,
    todo: /list-keys/,
  },
  {
    name: 'a key that is disabled',
    answers: key({ KeyState: 'Disabled' }),
    check: 'Key of the disks',
    found: /^its state is Disabled$/,
    todo: /enable-key/,
  },
  {
    name: 'a key that signs',
    answers: key({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }),
    check: 'Key of the disks',
    found: /^it is RSA_2048, for SIGN_VERIFY$/,
    todo: /symmetric/,
  },
  {
    name: 'a key that only the account may use',
    answers: { GetKeyPolicyCommand: policy() },
    check: 'Key of the disks',
    found: /^Auto Scaling may not: CreateGrant, Decrypt, .*ReEncryptTo$/,
    todo: /AWSServiceRoleForAutoScaling use the key.*create-grant.*Client\.InternalError/,
  },
  {
    name: 'a key that Auto Scaling may use, and not pass on to machines',
    answers: { GetKeyPolicyCommand: policy(use) },
    check: 'Key of the disks',
    found: /^Auto Scaling may not: CreateGrant$/,
    todo: /kms:CreateGrant/,
  },
  {
    name: 'a key that Auto Scaling may use for somebody else',
    answers: {
      GetKeyPolicyCommand: policy(use, {
        ...pass,
        Condition: { StringEquals: { 'kms:ViaService': 'rds.eu-west-1.amazonaws.com' } },
      }),
    },
    check: 'Key of the disks',
    status: 'unchecked',
    found: /under conditions$/,
    todo: /^Read them\. Let /,
  },
  {
    name: 'a key whose policy also denies',
    answers: {
      GetKeyPolicyCommand: policy(use, pass, {
        Effect: 'Deny',
        NotPrincipal: { AWS: 'arn:aws:iam::123456789012:user/ada' },
        Action: 'kms:*',
        Resource: '*',
      }),
    },
    check: 'Key of the disks',
    status: 'warning',
    found: /its policy also denies$/,
    todo: /^Read its policy\. /,
  },
  ...['{"Statement":[{"Effect":"Maybe"}]}', 'no JSON'].map(
    (Policy): Case => ({
      name: `a key whose policy is not understood: ${Policy}`,
      answers: { GetKeyPolicyCommand: { Policy } },
      check: 'Key of the disks',
      status: 'unchecked',
      found: /^its policy is not understood$/,
      todo: /^Read it\. Let /,
    }),
  ),
  {
    name: 'a key whose policy may not be seen',
    answers: { GetKeyPolicyCommand: awsError('AccessDeniedException') },
    check: 'Key of the disks',
    status: 'unchecked',
    found: /AccessDenied/,
    todo: /Allow kms:GetKeyPolicy/,
  },
  {
    name: 'a key whose grants may not be seen',
    answers: {
      GetKeyPolicyCommand: policy(),
      ListGrantsCommand: awsError('AccessDeniedException'),
    },
    check: 'Key of the disks',
    status: 'unchecked',
    found: /AccessDenied/,
    todo: /Allow kms:ListGrants/,
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

  it('takes the key that AWS keeps for the account, and a grant in place of a policy', async () => {
    const own = await preflight({ answers: key({ KeyManager: 'AWS' }) });
    assert.deepEqual(bad(own), []);
    assert.ok(!own.sent.includes('GetKeyPolicyCommand'));
    const Operations = [
      ...['CreateGrant', 'Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKeyWithoutPlaintext'],
      ...['ReEncryptFrom', 'ReEncryptTo'],
    ];
    const grant = { GranteePrincipal: GROUP_ROLE, Operations };
    const granted = (Grants: readonly object[]) => ({
      GetKeyPolicyCommand: policy(),
      ListGrantsCommand: { Grants },
    });
    assert.deepEqual(bad(await preflight({ answers: granted([grant]) })), []);
    for (const other of [
      { ...grant, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:role/other` },
      { ...grant, Constraints: { EncryptionContextSubset: { a: 'b' } } },
    ]) {
      assert.equal(bad(await preflight({ answers: granted([other]) })).length, 1);
    }
  });

  it('takes a policy that lets the whole account use the key', async () => {
    const all = {
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: 'kms:*',
      Resource: '*',
      Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT } },
    };
    assert.deepEqual(bad(await preflight({ answers: { GetKeyPolicyCommand: policy(all) } })), []);
    const others = { ...all, Condition: { StringEquals: { 'kms:CallerAccount': '999999999999' } } };
    const { findings } = await preflight({ answers: { GetKeyPolicyCommand: policy(others) } });
    assert.equal(findings.find(({ check }) => check === 'Key of the disks')?.status, 'unchecked');
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

describe('an action of a policy', () => {
  it('is matched with its wildcards, and nothing else in it is one', () => {
    for (const [pattern, action, expected] of [
      ['kms:*', 'kms:Decrypt', true],
      ['*', 'kms:Decrypt', true],
      ['KMS:decrypt', 'kms:Decrypt', true],
      ['kms:ReEncrypt*', 'kms:ReEncryptTo', true],
      ['kms:Decryp?', 'kms:Decrypt', true],
      ['kms.Decrypt', 'kms:Decrypt', false],
      ['kms:Decrypt', 'kms:DecryptAll', false],
      ['kms:(Decrypt', 'kms:Decrypt', false],
    ] as const) {
      assert.equal(permits(pattern, action), expected, pattern);
    }
  });
});
