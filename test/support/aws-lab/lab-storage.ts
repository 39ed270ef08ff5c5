import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsLab } from './aws-lab';
import { ACCOUNT, REGION } from './lab-server';

/** What S3 is asked with in the name of a role. */
export interface RoleKeys {
  readonly accessKey: string;
  readonly secret: string;
  readonly sessionToken: string;
}

/** Buckets of the lab, and who may do what with them by the policies of roles. */
export class LabStorage {
  readonly #lab: AwsLab;
  readonly #s3: S3Client;

  constructor(lab: AwsLab) {
    this.#lab = lab;
    this.#s3 = new S3Client({ ...this.#given(), forcePathStyle: true });
  }

  async makeBucket(Bucket: string): Promise<string> {
    const command = new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: REGION },
    });
    await this.#s3.send(command);
    return Bucket;
  }

  async hasBucket(Bucket: string): Promise<boolean> {
    try {
      await this.#s3.send(new HeadBucketCommand({ Bucket }));
      return true;
    } catch (error) {
      if (error instanceof NotFound) return false;
      throw error;
    }
  }

  /**
   * By itself: for calls that name several, moto looks at the policy of the bucket without its conditions,
   * and refuses.
   */
  async removeObject(Bucket: string, Key: string, keys: RoleKeys): Promise<void> {
    const { accessKey: accessKeyId, secret: secretAccessKey, sessionToken } = keys;
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    const s3 = new S3Client({ ...this.#given(), credentials, forcePathStyle: true });
    try {
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    } finally {
      s3.destroy();
    }
  }

  /** @param logicalId - of a role of the stack, as it begins in the template */
  async keysOf(stack: string, logicalId: RegExp): Promise<RoleKeys> {
    const roles = await this.#lab.resources(stack, 'AWS::IAM::Role');
    const role = roles.find((one) => logicalId.test(one.logicalId));
    if (role === undefined) throw new Error(`${stack} has no role ${logicalId}`);
    const sts = new STSClient(this.#given());
    try {
      const { Credentials: keys } = await sts.send(
        new AssumeRoleCommand({
          RoleArn: `arn:aws:iam::${ACCOUNT}:role/${role.physicalId}`,
          RoleSessionName: 'machine',
        }),
      );
      return {
        accessKey: keys?.AccessKeyId ?? '',
        secret: keys?.SecretAccessKey ?? '',
        sessionToken: keys?.SessionToken ?? '',
      };
    } finally {
      sts.destroy();
    }
  }

  /** Meanwhile each call needs the rights of its role, as moto evaluates policies; else none does. */
  async whileAuthorizing(calls: () => Promise<void>): Promise<void> {
    await this.#authorizeAfter('0');
    try {
      await calls();
    } finally {
      await this.#authorizeAfter('inf');
    }
  }

  /** Idempotent. */
  close(): void {
    this.#s3.destroy();
  }

  async #authorizeAfter(body: string): Promise<void> {
    const url = `${this.#lab.server.url}/moto-api/reset-auth`;
    const answer = await fetch(url, { method: 'POST', body });
    if (!answer.ok) throw new Error(`reset-auth answered ${answer.status}`);
  }

  #given() {
    return {
      endpoint: this.#lab.server.url,
      region: REGION,
      credentials: { accessKeyId: 'lab', secretAccessKey: 'lab' },
    };
  }
}
