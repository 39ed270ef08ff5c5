import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { ClusterSecrets } from '../../constructs/cluster-secrets';
import { secretFileContent } from '../../node-image/lifecycle/boot/secret-files';
import { anyStack, templateOf } from './support/stacks';

/** What Secrets Manager would make of it. */
function generated(template: Template, description: RegExp): string {
  const found = Object.values(template.findResources('AWS::SecretsManager::Secret')).find(
    ({ Properties }) => description.test(Properties.Description),
  );
  const form = found?.['Properties'].GenerateSecretString;
  assert.equal(form.ExcludePunctuation, true);
  const text = 'aB3dE6gH'.repeat(100).slice(0, form.PasswordLength);
  if (form.SecretStringTemplate === undefined) return text;
  return JSON.stringify({
    ...JSON.parse(form.SecretStringTemplate),
    [form.GenerateStringKey]: text,
  });
}

describe('the secrets of a cluster', () => {
  let stack: Stack;
  let secrets: ClusterSecrets;
  let template: Template;
  before(() => {
    stack = anyStack();
    secrets = new ClusterSecrets(stack, 'Secrets');
    secrets.grantRead(new iam.Role(stack, 'Role', { assumedBy: new iam.AnyPrincipal() }));
    template = templateOf(stack);
  });

  it('are generated: the key pair and the cluster secret', () => {
    template.resourceCountIs('AWS::SecretsManager::Secret', 2);
  });

  it('have a key pair that machines take at boot', () => {
    const text = generated(template, /API key/);
    assert.match(text, /^\{"key":"API[0-9a-f]{13}","secret":"\w{48}"\}$/);
    assert.match(secretFileContent('api_key', text), /^"API[0-9a-f]{13}": "\w{48}"\n$/);
  });

  it('have a cluster secret that machines take at boot', () => {
    const text = generated(template, /know each other/);
    assert.match(text, /^[\w-]{32,}$/);
    assert.equal(secretFileContent('cluster', text), `${text}\n`);
  });

  it('go with the stack, so that nothing costs on', () => {
    template.allResources('AWS::SecretsManager::Secret', { DeletionPolicy: 'Delete' });
  });

  it('can be read by whom it was granted to, each by its ARN', () => {
    const [policy] = Object.values(template.findResources('AWS::IAM::Policy'));
    const statements = policy?.['Properties'].PolicyDocument.Statement;
    assert.equal(JSON.stringify(statements).includes('"*"'), false);
    assert.deepEqual(
      statements.flatMap((statement: { Resource: unknown }) => statement.Resource).length,
      2,
    );
  });
});

describe('secrets of a cluster', () => {
  it('can all be ones that exist, and then nothing is made', () => {
    const stack = anyStack();
    const mine = (name: string) => sm.Secret.fromSecretNameV2(stack, name, name);
    const secrets = new ClusterSecrets(stack, 'Secrets', {
      apiKey: mine('a'),
      clusterSecret: mine('b'),
    });
    templateOf(stack).resourceCountIs('AWS::SecretsManager::Secret', 0);
    assert.equal(secrets.apiKey.secretName, 'a');
  });

  it('can be encrypted with a key of yours, which readers may then decrypt with', () => {
    const stack = anyStack();
    const encryptionKey = new kms.Key(stack, 'Key');
    const secrets = new ClusterSecrets(stack, 'Secrets', { encryptionKey });
    secrets.apiKey.grantRead(
      new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') }),
    );
    const template = templateOf(stack);
    template.allResourcesProperties('AWS::SecretsManager::Secret', {
      KmsKeyId: stack.resolve(encryptionKey.keyArn),
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'kms:Decrypt',
            Principal: { AWS: { 'Fn::GetAtt': Match.arrayWith([Match.stringLikeRegexp('Role')]) } },
          }),
        ]),
      },
    });
  });

  it('can stay when the stack goes', () => {
    const stack = anyStack();
    new ClusterSecrets(stack, 'Secrets', { removalPolicy: RemovalPolicy.RETAIN });
    templateOf(stack).allResources('AWS::SecretsManager::Secret', { DeletionPolicy: 'Retain' });
  });

  it('have different keys in one stack', () => {
    const stack = anyStack();
    new ClusterSecrets(stack, 'One');
    new ClusterSecrets(stack, 'Two');
    const keys = Object.values(
      templateOf(stack).findResources('AWS::SecretsManager::Secret'),
    ).flatMap(({ Properties }) => Properties.GenerateSecretString.SecretStringTemplate ?? []);
    assert.equal(new Set(keys).size, 2);
  });
});
