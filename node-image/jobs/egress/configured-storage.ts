import { AliOSSUpload, AzureBlobUpload, GCPUpload, S3Upload } from '@livekit/protocol';
import type { SluiceConfig } from '../../contract';
import type { StorageSpec } from './spec';
import { storageOf } from './storage-choice';

/**
 * The storage that a section of the configuration names: the first with a bucket or container.
 *
 * @returns undefined: none is named
 * @throws Error where it is not complete
 */
export function configuredStorage(
  { egress }: Pick<SluiceConfig, 'egress'>,
  key: 'storage' | 'backup',
): StorageSpec | undefined {
  try {
    return storageIn(egress[key]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`egress.${key}: ${why}`, { cause: error });
  }
}

function storageIn(section: SluiceConfig['egress']['storage']): StorageSpec | undefined {
  const { s3, azure, gcp, alioss } = section;
  if (s3.bucket !== '') {
    const value = new S3Upload({
      ...{ accessKey: s3.access_key, secret: s3.secret, sessionToken: s3.session_token },
      ...{ region: s3.region, endpoint: s3.endpoint, bucket: s3.bucket },
      ...{ forcePathStyle: s3.force_path_style, assumeRoleArn: s3.assume_role_arn },
      assumeRoleExternalId: s3.assume_role_external_id,
    });
    return storageOf({ case: 's3', value }, undefined);
  }
  if (azure.container_name !== '') {
    const value = new AzureBlobUpload({
      ...{ accountName: azure.account_name, accountKey: azure.account_key },
      containerName: azure.container_name,
    });
    return storageOf({ case: 'azure', value }, undefined);
  }
  if (gcp.bucket !== '') {
    const value = new GCPUpload({ credentials: gcp.credentials_json, bucket: gcp.bucket });
    return storageOf({ case: 'gcp', value }, undefined);
  }
  if (alioss.bucket !== '') {
    const { access_key: accessKey, secret, region, endpoint, bucket } = alioss;
    const value = new AliOSSUpload({ accessKey, secret, region, endpoint, bucket });
    return storageOf({ case: 'aliOSS', value }, undefined);
  }
  return undefined;
}
