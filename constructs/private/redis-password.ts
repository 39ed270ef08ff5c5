import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/** Letters and digits: what ElastiCache, Redis and YAML take as it is. */
export function generatedPassword(scope: Construct, encryptionKey?: kms.IKey): sm.ISecret {
  return new sm.Secret(scope, 'Password', {
    description: 'Sluice: the password of Redis',
    encryptionKey,
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
  });
}

/** Lets a node read the password, where there is one. */
export function grantPassword(secret: sm.ISecret | undefined, grantee: iam.IGrantable): iam.Grant {
  return secret?.grantRead(grantee) ?? iam.Grant.drop(grantee, 'Redis has no password');
}
