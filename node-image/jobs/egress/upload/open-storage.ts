import type { StorageSpec } from '../spec';
import { LocalStorage } from './local-storage';
import type { Storage } from './storage';

/**
 * The clouds' clients are loaded where the first recording needs them: they would make the start of
 * every node a second longer.
 *
 * @param localRoot - the folder that files of this node may go to; empty: none may
 * @param identity - on Azure: client id of the machine's identity to use; empty: the only one it has
 */
export function openStorage(spec: StorageSpec, localRoot: string, identity = ''): Storage {
  switch (spec.kind) {
    case 's3': {
      const { S3Storage } = require('./s3-storage') as typeof import('./s3-storage');
      return new S3Storage(spec);
    }
    case 'azure': {
      const { AzureStorage } = require('./azure-storage') as typeof import('./azure-storage');
      return new AzureStorage(spec, identity);
    }
    case 'gcp': {
      const { GcpStorage } = require('./gcp-storage') as typeof import('./gcp-storage');
      return new GcpStorage(spec);
    }
    case 'local':
      if (localRoot === '') {
        throw new Error('egress.local_directory is not set on this node: no file can be kept here');
      }
      return new LocalStorage(localRoot);
  }
}
