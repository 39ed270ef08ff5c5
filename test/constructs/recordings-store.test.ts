import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Recordings } from '../../constructs/recordings';
import { RecordingsStore, type RecordingsStoreProps } from '../../constructs/recordings-store';
import { actionsOf, only, statements, textOf } from './support/nodes';
import { anyStack, envStack, errorsOf, templateOf } from './support/stacks';

const BUCKET = 'AWS::S3::Bucket';

const roleOf = (stack: Stack) =>
  new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });

function defined(props: RecordingsStoreProps | ((stack: Stack) => RecordingsStoreProps) = {}) {
  const stack = anyStack();
  const given = typeof props === 'function' ? props(stack) : props;
  const store = new RecordingsStore(stack, 'Recordings', given);
  store.grantRecord(roleOf(stack));
  return { stack, store, template: templateOf(stack) };
}

describe('a store of recordings', () => {
  const { stack, store, template } = defined();
  const { resource: bucket, id } = only(template, BUCKET);

  test('is open to nobody, and belongs to the account whoever writes to it', () => {
    assert.deepEqual(bucket.Properties['PublicAccessBlockConfiguration'], {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    assert.deepEqual(bucket.Properties['OwnershipControls'], {
      Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }],
    });
  });

  test('is reached by TLS 1.2 and newer alone', () => {
    const { resource } = only(template, 'AWS::S3::BucketPolicy');
    const text = JSON.stringify(resource.Properties['PolicyDocument']);
    assert.match(text, /"Action":"s3:\*","Condition":\{"Bool":\{"aws:SecureTransport":"false"\}\}/);
    assert.match(text, /"NumericLessThan":\{"s3:TlsVersion":1.2\}/);
    assert.doesNotMatch(text, /"Effect":"Allow"/);
  });

  test('is encrypted, and stays when the stack goes', () => {
    assert.match(JSON.stringify(bucket.Properties['BucketEncryption']), /"SSEAlgorithm":"AES256"/);
    assert.equal(bucket.DeletionPolicy, 'RetainExceptOnCreate');
  });

  test('keeps recordings, and nothing of uploads that were given up', () => {
    assert.deepEqual(bucket.Properties['LifecycleConfiguration'], {
      Rules: [
        {
          Id: 'GivenUpUploads',
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        },
      ],
    });
  });

  test('is told to nodes by name and region, with no key', () => {
    const { egress } = stack.resolve(store.settings._values);
    assert.deepEqual(egress.storage, {
      s3: { bucket: { Ref: id }, region: { Ref: 'AWS::Region' } },
    });
  });

  test('lets machines do what recording takes, there alone', () => {
    const granted = statements(template);
    assert.deepEqual(
      granted.map((each) => [actionsOf(each), textOf(each.Resource)]),
      [
        [
          ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
          `<${id}.Arn>/*`,
        ],
        [['s3:ListBucket'], `<${id}.Arn>`],
      ],
    );
  });
});

describe('a store of recordings on request', () => {
  test('deletes them after some days', () => {
    const { template } = defined({ retention: Duration.days(30) });
    template.hasResourceProperties(BUCKET, {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([{ Id: 'Retention', Status: 'Enabled', ExpirationInDays: 30 }]),
      },
    });
  });

  test('encrypts with a key of yours, which machines may use for just that', () => {
    const { template } = defined((stack) => ({ encryptionKey: new kms.Key(stack, 'Key') }));
    template.hasResourceProperties(BUCKET, {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: Match.objectLike({ SSEAlgorithm: 'aws:kms' }),
          },
        ],
      },
    });
    const ofKey = statements(template).filter((each) => actionsOf(each)[0]?.startsWith('kms:'));
    assert.deepEqual(ofKey.map(actionsOf), [['kms:GenerateDataKey', 'kms:Decrypt']]);
    assert.match(textOf(ofKey[0]?.Resource), /^<Key[0-9A-F]+\.Arn>$/);
  });

  test('goes with the stack, and logs who reads', () => {
    const { template } = defined((stack) => ({
      removalPolicy: RemovalPolicy.DESTROY,
      accessLogsBucket: s3.Bucket.fromBucketName(stack, 'Logs', 'logs-of-mine'),
      accessLogsPrefix: 'recordings/',
    }));
    template.hasResource(BUCKET, {
      DeletionPolicy: 'Delete',
      Properties: {
        LoggingConfiguration: {
          DestinationBucketName: 'logs-of-mine',
          LogFilePrefix: 'recordings/',
        },
      },
    });
  });
});

describe('a bucket of yours', () => {
  test('gets no resource and no rule, and machines the same rights', () => {
    const stack = envStack();
    const key = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/k');
    const bucket = s3.Bucket.fromBucketAttributes(stack, 'Mine', {
      bucketName: 'recordings-of-mine',
      region: 'eu-west-1',
      encryptionKey: key,
    });
    const store = Recordings.fromBucket(bucket)._bind(stack);
    store.grantRecord(roleOf(stack));
    const template = templateOf(stack);
    template.resourceCountIs(BUCKET, 0);
    template.resourceCountIs('AWS::S3::BucketPolicy', 0);
    assert.deepEqual(stack.resolve(store.settings._values).egress.storage.s3, {
      bucket: 'recordings-of-mine',
      region: 'eu-west-1',
    });
    assert.deepEqual(
      statements(template).map((each) => [actionsOf(each)[0], textOf(each.Resource)]),
      [
        ['s3:PutObject', 'arn:<AWS::Partition>:s3:::recordings-of-mine/*'],
        ['s3:ListBucket', 'arn:<AWS::Partition>:s3:::recordings-of-mine'],
        ['kms:GenerateDataKey', 'arn:aws:kms:eu-west-1:111122223333:key/k'],
      ],
    );
  });
});

describe('a store of recordings refuses', () => {
  const cases: readonly [string, RecordingsStoreProps, RegExp][] = [
    ['no day at all', { retention: Duration.hours(12) }, /retention: got 12 hours/],
    ['part of a day', { retention: Duration.hours(36) }, /allowed is whole days/],
    ['a prefix for no bucket', { accessLogsPrefix: 'x/' }, /accessLogsPrefix: got a prefix/],
  ];
  for (const [what, props, message] of cases) {
    test(what, () => {
      const stack = anyStack();
      new RecordingsStore(stack, 'Recordings', props);
      assert.match(errorsOf(stack).join('\n'), message);
    });
  }
});
