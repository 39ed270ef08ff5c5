import { stat } from 'node:fs/promises';
import {
  ApiError,
  type Bucket,
  Storage as Client,
  IdempotencyStrategy,
} from '@google-cloud/storage';
import type { GcpSpec } from '../spec';
import {
  MAX_TRIES,
  MAX_WAIT_MS,
  type ObjectFacts,
  type Storage,
  StorageError,
  type StoredFrom,
} from './storage';

/** ms that one request may take. */
const TIMEOUT_MS = 60_000;
/** s that one object may take with all its tries. */
const TOTAL_SECONDS = 180;
/** More than this is sent so that it can go on where it broke. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;

/** A bucket of Google Cloud Storage. */
export class GcpStorage implements Storage {
  readonly #spec: GcpSpec;
  readonly #bucket: Bucket;

  constructor(spec: GcpSpec) {
    const { clientEmail, privateKey, endpoint, proxy, bucket } = spec;
    this.#spec = spec;
    const client = new Client({
      ...(clientEmail !== '' && {
        credentials: { client_email: clientEmail, private_key: privateKey },
        // Not asked for: the machine may have none.
        projectId: 'none',
      }),
      ...(endpoint !== '' && { apiEndpoint: endpoint, projectId: 'none' }),
      ...(proxy !== '' && { clientOptions: { transporterOptions: { proxy } } }),
      timeout: TIMEOUT_MS,
      retryOptions: {
        autoRetry: true,
        maxRetries: MAX_TRIES - 1,
        maxRetryDelay: MAX_WAIT_MS / 1000,
        totalTimeout: TOTAL_SECONDS,
        // The same object twice is the same object.
        idempotencyStrategy: IdempotencyStrategy.RetryAlways,
      },
    });
    if (proxy !== '') {
      type Interceptor = (typeof client.interceptors)[number];
      const request = (asked: object) => Object.assign(asked, { proxy });
      client.interceptors.push({ request } as Interceptor);
    }
    this.#bucket = client.bucket(bucket);
  }

  async check(key: string): Promise<void> {
    try {
      const [rights] = await this.#bucket.iam.testPermissions(['storage.objects.create']);
      if (rights['storage.objects.create'] !== true) {
        throw new Error('storage.objects.create is not granted, or there is no such bucket');
      }
    } catch (error) {
      throw new StorageError('Upload to', this.location(key), named(error));
    }
  }

  async put(key: string, from: StoredFrom, facts: ObjectFacts): Promise<void> {
    const { contentType, cacheControl } = facts;
    const metadata = { contentType, ...(cacheControl && { cacheControl }) };
    try {
      if ('file' in from) {
        const { size } = await stat(from.file);
        const resumable = size > RESUMABLE_BYTES;
        await this.#bucket.upload(from.file, { destination: key, resumable, metadata });
      } else await this.#bucket.file(key).save(from.bytes, { resumable: false, metadata });
    } catch (error) {
      throw new StorageError('Upload to', this.location(key), named(error));
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    try {
      const [bytes] = await this.#bucket.file(key).download();
      return bytes;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw new StorageError('Reading of', this.location(key), named(error));
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      try {
        await this.#bucket.file(key).delete({ ignoreNotFound: true });
      } catch (error) {
        throw new StorageError('Removing', this.location(key), named(error));
      }
    }
  }

  location(key: string): string {
    const { endpoint, bucket } = this.#spec;
    return `${endpoint || 'https://storage.googleapis.com'}/${bucket}/${key}`;
  }

  close(): void {}
}

/** With its number: Google's texts name the account, and not what is wrong with it. */
function named(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.code === undefined) return error;
  return new Error(`${error.code}: ${error.message}`);
}
