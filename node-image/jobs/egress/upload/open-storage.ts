import type { StorageSpec } from '../spec';
import { AzureStorage } from './azure-storage';
import { LocalStorage } from './local-storage';
import { S3Storage } from './s3-storage';
import type { Storage } from './storage';

/** @param localRoot - the folder that files of this node may go to; empty: none may */
export function openStorage(spec: StorageSpec, localRoot: string): Storage {
  switch (spec.kind) {
    case 's3':
      return new S3Storage(spec);
    case 'azure':
      return new AzureStorage(spec);
    case 'local':
      if (localRoot === '') {
        throw new Error('egress.local_directory is not set on this node: no file can be kept here');
      }
      return new LocalStorage(localRoot);
  }
}
