import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import {
  BlobServiceClient,
  type ContainerClient,
  RestError,
  StorageRetryPolicyType,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { AzureSpec } from '../spec';
import {
  MAX_TRIES,
  MAX_WAIT_MS,
  type ObjectFacts,
  type Storage,
  StorageError,
  type StoredFrom,
} from './storage';

/** A container of Azure Blob Storage. */
export class AzureStorage implements Storage {
  readonly #container: ContainerClient;

  /** @param identity - client id of the machine's identity to use; empty: whatever there is */
  constructor({ accountName, accountKey, containerName, endpoint }: AzureSpec, identity = '') {
    const url = endpoint || `https://${accountName}.blob.core.windows.net`;
    const credential =
      accountKey === ''
        ? machineCredential(identity)
        : new StorageSharedKeyCredential(accountName, accountKey);
    this.#container = new BlobServiceClient(url, credential, {
      retryOptions: {
        maxTries: MAX_TRIES,
        maxRetryDelayInMs: MAX_WAIT_MS,
        retryDelayInMs: 100,
        retryPolicyType: StorageRetryPolicyType.EXPONENTIAL,
      },
    }).getContainerClient(containerName);
  }

  async check(key: string): Promise<void> {
    try {
      await this.#container.getProperties();
    } catch (error) {
      throw new StorageError('Upload to', this.location(key), named(error));
    }
  }

  async put(key: string, from: StoredFrom, facts: ObjectFacts): Promise<void> {
    const blob = this.#container.getBlockBlobClient(key);
    const options = {
      blobHTTPHeaders: {
        blobContentType: facts.contentType,
        ...(facts.cacheControl && { blobCacheControl: facts.cacheControl }),
      },
    };
    try {
      if ('file' in from) await blob.uploadFile(from.file, options);
      else await blob.uploadData(from.bytes, options);
    } catch (error) {
      throw new StorageError('Upload to', this.location(key), named(error));
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    try {
      return await this.#container.getBlobClient(key).downloadToBuffer();
    } catch (error) {
      if (error instanceof RestError && error.statusCode === 404) return undefined;
      throw new StorageError('Reading of', this.location(key), named(error));
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      try {
        await this.#container.getBlobClient(key).deleteIfExists();
      } catch (error) {
        throw new StorageError('Removing', this.location(key), named(error));
      }
    }
  }

  location(key: string): string {
    return `${this.#container.url}/${key}`;
  }

  close(): void {}
}

/** A machine may have other identities beside, such as a policy of the subscription gives to all. */
const machineCredential = (clientId: string) =>
  clientId === '' ? new DefaultAzureCredential() : new ManagedIdentityCredential({ clientId });

/** Azure's own name of the error; its text repeats the whole request. */
function named(error: unknown): unknown {
  if (!(error instanceof RestError)) return error;
  const [first = ''] = error.message.split('\n', 1);
  return new Error(`${error.code ?? error.statusCode ?? 'no answer'}: ${first}`);
}
