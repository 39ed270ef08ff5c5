import { createReadStream } from 'node:fs';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  NoSuchKey,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Upload } from '@aws-sdk/lib-storage';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { S3Spec } from '../spec';
import {
  MAX_TRIES,
  type ObjectFacts,
  type Storage,
  StorageError,
  type StoredFrom,
} from './storage';

const DELETE_AT_ONCE = 1000;
/** ms. Without, an address that nobody answers at is waited for without end. */
const TIMEOUTS = { connectionTimeout: 5000, socketTimeout: 30_000 };

/** A bucket of S3, or of whatever speaks as it does. */
export class S3Storage implements Storage {
  readonly #spec: S3Spec;
  readonly #client: S3Client;

  constructor(spec: S3Spec) {
    this.#spec = spec;
    this.#client = new S3Client(clientConfig(spec));
  }

  async check(key: string): Promise<void> {
    const at = { Bucket: this.#spec.bucket, Key: key };
    try {
      // Asks for the right to put this very object, and leaves nothing behind.
      const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(at));
      const abort = new AbortMultipartUploadCommand({ ...at, UploadId });
      // A right of its own; what is left is one of the uploads that rules of buckets take away.
      await this.#client.send(abort).catch(() => {});
    } catch (error) {
      throw new StorageError('Upload to', this.location(key), error);
    }
  }

  async put(key: string, from: StoredFrom, facts: ObjectFacts): Promise<void> {
    const { bucket, metadata, tagging, contentDisposition } = this.#spec;
    try {
      await new Upload({
        client: this.#client,
        ...(tagging !== '' && { tags: tagsOf(tagging) }),
        params: {
          Bucket: bucket,
          Key: key,
          Body: 'file' in from ? createReadStream(from.file) : from.bytes,
          ContentType: facts.contentType,
          ...(facts.cacheControl && { CacheControl: facts.cacheControl }),
          ...(contentDisposition !== '' && { ContentDisposition: contentDisposition }),
          ...(Object.keys(metadata).length > 0 && { Metadata: metadata }),
        },
      }).done();
    } catch (error) {
      throw new StorageError('Upload to', this.location(key), error);
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    try {
      const { bucket } = this.#spec;
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Body === undefined ? undefined : Buffer.from(await Body.transformToByteArray());
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw new StorageError('Reading of', this.location(key), error);
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (this.#spec.endpoint !== '') return this.#removeEach(keys);
    let failed: unknown;
    for (let at = 0; at < keys.length; at += DELETE_AT_ONCE) {
      const some = keys.slice(at, at + DELETE_AT_ONCE);
      await this.#removeList(some).catch((error: unknown) => {
        failed ??= new StorageError('Removing from', this.location(some[0] ?? ''), error);
      });
    }
    // The others are taken away all the same.
    if (failed !== undefined) throw failed;
  }

  location(key: string): string {
    const { bucket, endpoint, region, virtualHost } = this.#spec;
    // As LiveKit's: by the bucket's own name at AWS.
    if (endpoint === '') {
      return `https://${bucket}.s3${region === '' ? '' : `.${region}`}.amazonaws.com/${key}`;
    }
    const host = withScheme(endpoint).replace(/\/+$/, '');
    return virtualHost
      ? `${host.replace('://', `://${bucket}.`)}/${key}`
      : `${host}/${bucket}/${key}`;
  }

  close(): void {
    this.#client.destroy();
  }

  /** @throws Error with what is still there */
  async #removeList(keys: readonly string[]): Promise<void> {
    const objects = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
    const command = new DeleteObjectsCommand({ Bucket: this.#spec.bucket, Delete: objects });
    // What it has not removed is in an answer that is no error.
    const { Errors = [] } = await this.#client.send(command);
    const left = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
    const [first] = left;
    if (first === undefined) return;
    const more = left.length === 1 ? '' : ` (and ${left.length - 1} more)`;
    throw new Error(`${first.Code}: ${first.Message ?? ''} ${first.Key}${more}`);
  }

  /** Not all that speak as S3 does know the checksum that AWS wants of a list. */
  async #removeEach(keys: readonly string[]): Promise<void> {
    for (const Key of keys) {
      try {
        await this.#client.send(new DeleteObjectCommand({ Bucket: this.#spec.bucket, Key }));
      } catch (error) {
        throw new StorageError('Removing', this.location(Key), error);
      }
    }
  }
}

function clientConfig(spec: S3Spec): S3ClientConfig {
  const { endpoint, accessKey, secret, sessionToken, forcePathStyle, virtualHost, proxy } = spec;
  // One of its own is often found by path only, and asks for any region.
  const region = spec.region || process.env['AWS_REGION'] || 'us-east-1';
  const given =
    accessKey === ''
      ? undefined
      : {
          accessKeyId: accessKey,
          secretAccessKey: secret,
          ...(sessionToken !== '' && { sessionToken }),
        };
  const credentials = spec.assumeRoleArn === '' ? given : assumedRole(spec, region, given);
  return {
    region,
    maxAttempts: MAX_TRIES,
    requestHandler: { ...TIMEOUTS, ...agentsOf(proxy) },
    ...(endpoint !== '' && {
      endpoint: withScheme(endpoint),
      // Others than AWS refuse checksums that they do not know.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
    ...((forcePathStyle || (endpoint !== '' && !virtualHost)) && { forcePathStyle: true }),
    ...(credentials && { credentials }),
  };
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Renewed by the client when it expires. */
function assumedRole(spec: S3Spec, region: string, given: Credentials | undefined) {
  return async () => {
    const requestHandler = { ...TIMEOUTS, ...agentsOf(spec.proxy) };
    const sts = new STSClient({ region, requestHandler, ...(given && { credentials: given }) });
    try {
      const { Credentials: role } = await sts.send(
        new AssumeRoleCommand({
          RoleArn: spec.assumeRoleArn,
          RoleSessionName: 'sluice-egress',
          ...(spec.assumeRoleExternalId !== '' && { ExternalId: spec.assumeRoleExternalId }),
        }),
      );
      return {
        accessKeyId: role?.AccessKeyId ?? '',
        secretAccessKey: role?.SecretAccessKey ?? '',
        ...(role?.SessionToken && { sessionToken: role.SessionToken }),
        ...(role?.Expiration && { expiration: role.Expiration }),
      };
    } finally {
      sts.destroy();
    }
  };
}

/** Of one proxy for all: TLS and what is plain go through a tunnel in it. */
function agentsOf(proxy: string): {
  httpAgent?: HttpsProxyAgent<string>;
  httpsAgent?: HttpsProxyAgent<string>;
} {
  if (proxy === '') return {};
  const agent = new HttpsProxyAgent(proxy);
  return { httpAgent: agent, httpsAgent: agent };
}

const withScheme = (endpoint: string): string =>
  endpoint.includes('://') ? endpoint : `https://${endpoint}`;

const tagsOf = (tagging: string) =>
  [...new URLSearchParams(tagging)].map(([Key, Value]) => ({ Key, Value }));
