import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { permits } from '../../node-image/cloud/aws/preflight/key-policy';
import { awsError } from '../support/aws/fake-clients';
import { bad } from './preflight-cases';
import {
  ACCOUNT,
  type Case,
  GROUP_ROLE,
  KEY,
  policy,
  preflight,
  STATEMENTS,
  tells,
} from './preflight-world';

const { use, pass } = STATEMENTS;
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

const CASES: readonly Case[] = [
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
