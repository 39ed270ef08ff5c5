import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { NodeSettings } from './node-config';
import { Problems } from './private/validation';

/** Choices for a bucket that is made for recordings. */
export interface RecordingsOptions {
  /**
   * How long recordings are kept, in whole days.
   *
   * @default - until somebody deletes them. Costs 0.023 USD a GB and month
   */
  readonly retention?: Duration;

  /**
   * Key that recordings are encrypted with. Whoever reads them has to be let use it.
   *
   * @default - a key of S3, at no cost
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * What becomes of the bucket when the stack is deleted. `DESTROY` deletes one that is empty, and
   * fails with one that is not.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * The bucket that S3 logs to who has read what. Costs what that bucket does.
   *
   * @default - nothing is logged
   */
  readonly accessLogsBucket?: s3.IBucket;

  /**
   * Put before the names of access logs.
   *
   * @default - nothing
   */
  readonly accessLogsPrefix?: string;
}

/** Properties of a store of recordings. */
export interface RecordingsStoreProps extends RecordingsOptions {
  /** @internal A bucket of yours. */
  readonly _bucket?: s3.IBucket;
}

/**
 * The bucket that recordings go to whose request names no other: not public, encrypted, reached by TLS
 * alone. `jobs` of a cluster makes it; by itself it is for Media Nodes with `settings` and
 * `grantRecord()`.
 */
export class RecordingsStore extends Construct {
  /** The bucket: its own, or yours. Playing recordings needs `bucket.grantRead()`. */
  public readonly bucket: s3.IBucket;

  /** What sluice.yaml of the nodes says of it: the bucket and its region; no keys. */
  public readonly settings: NodeSettings;

  constructor(scope: Construct, id: string, props: RecordingsStoreProps = {}) {
    super(scope, id);
    this.bucket = props._bucket ?? this.#own(props);
    this.settings = NodeSettings.fromObject({
      egress: {
        storage: { s3: { bucket: this.bucket.bucketName, region: this.bucket.env.region } },
      },
    });
    if (this.bucket.node.defaultChild) this.node.defaultChild = this.bucket.node.defaultChild;
  }

  /**
   * Lets machines record: put objects, read and delete what they have put, and give up what they have
   * begun. To list is needed to be told that an object is not there: without it S3 says 403 instead of
   * 404.
   */
  grantRecord(grantee: iam.IGrantable): iam.Grant {
    const { bucket } = this;
    const objects = iam.Grant.addToPrincipalOrResource({
      grantee,
      actions: ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      resourceArns: [bucket.arnForObjects('*')],
      resource: bucket,
    });
    const list = iam.Grant.addToPrincipalOrResource({
      grantee,
      actions: ['s3:ListBucket'],
      resourceArns: [bucket.bucketArn],
      resource: bucket,
    });
    const both = objects.combine(list);
    // CDK's own grants name kms:GenerateDataKey* and more, of which S3 uses these.
    const key = bucket.encryptionKey?.grant(grantee, 'kms:GenerateDataKey', 'kms:Decrypt');
    return key ? both.combine(key) : both;
  }

  #own(props: RecordingsOptions): s3.Bucket {
    const { retention, encryptionKey, accessLogsBucket, accessLogsPrefix } = props;
    const problems = new Problems(this);
    problems.duration('retention', retention, {
      min: Duration.days(1),
      max: Duration.days(36_500),
    });
    const isWhole =
      retention === undefined ||
      retention.isUnresolved() ||
      Number.isInteger(retention.toDays({ integral: false }));
    problems.check(isWhole, {
      what: 'retention',
      given: retention?.toHumanString() ?? '',
      allowed: 'whole days, as S3 counts them',
      fix: 'give Duration.days(n)',
    });
    problems.check(accessLogsPrefix === undefined || accessLogsBucket !== undefined, {
      what: 'accessLogsPrefix',
      given: 'a prefix and no accessLogsBucket',
      allowed: 'a prefix with the bucket that it is for',
      fix: 'give accessLogsBucket, or leave out accessLogsPrefix',
    });
    problems.report();
    return new s3.Bucket(this, 'Bucket', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      ...(encryptionKey
        ? { encryption: s3.BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
        : { encryption: s3.BucketEncryption.S3_MANAGED }),
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        // Of a machine that was lost in the middle of one: nobody goes on with it, and it costs.
        { id: 'GivenUpUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        // Pieces of recordings (`FILE.parts/`) too: where a machine was lost, they are the recording.
        ...(retention && isWhole ? [{ id: 'Retention', expiration: retention }] : []),
      ],
      ...(accessLogsBucket && {
        serverAccessLogsBucket: accessLogsBucket,
        ...(accessLogsPrefix !== undefined && { serverAccessLogsPrefix: accessLogsPrefix }),
      }),
    });
  }
}
