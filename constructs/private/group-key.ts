import { Annotations, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { IConstruct } from 'constructs';

/**
 * Lets Auto Scaling start machines whose disks are encrypted with a key of yours: its
 * service-linked role does, not the one who deploys. That role is there once the account has had a
 * group.
 *
 * Source: Amazon EC2 Auto Scaling User Guide, required KMS key policy for encrypted volumes.
 */
export function letGroupsUse(scope: IConstruct, key: kms.IKey): void {
  const stack = Stack.of(scope);
  const principals = [
    new iam.ArnPrincipal(
      `arn:${stack.partition}:iam::${stack.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
    ),
  ];
  // In the policy of a key, all resources are the key itself.
  const use = new iam.PolicyStatement({
    sid: 'AutoScalingUsesKey',
    principals,
    actions: [
      'kms:Encrypt',
      'kms:Decrypt',
      'kms:ReEncrypt*',
      'kms:GenerateDataKey*',
      'kms:DescribeKey',
    ],
    resources: ['*'],
  });
  const pass = new iam.PolicyStatement({
    sid: 'AutoScalingPassesKeyToMachines',
    principals,
    actions: ['kms:CreateGrant'],
    resources: ['*'],
    conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  });
  const added = [use, pass].map((each) => key.addToResourcePolicy(each).statementAdded);
  if (added.every(Boolean)) return;
  Annotations.of(scope).addWarningV2(
    'sluice:keyOfGroup',
    'encryptionKey is not of this app, so its policy cannot be changed here: let AWSServiceRoleForAutoScaling use it, or no machine starts; see docs/aws.md',
  );
}
