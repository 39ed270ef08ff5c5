import type { AzureBlobUpload, S3Upload, StorageConfig } from '@livekit/protocol';
import { EgressError, invalidInput, notSupported } from './egress-error';
import type { StorageSpec } from './spec';

/** As the requests of both versions carry it. */
export type StorageMessage =
  | StorageConfig['provider']
  | { readonly case: undefined; readonly value?: undefined };

/** Where files go when a request does not say. */
export type DefaultStorage = StorageSpec | undefined;

/** @throws EgressError where it is not complete, of a kind that is not there, or none is known. */
export function storageOf(given: StorageMessage, byDefault: DefaultStorage): StorageSpec {
  switch (given.case) {
    case undefined:
      if (byDefault === undefined) {
        throw new EgressError(
          'invalid_argument',
          `${invalidInput('storage').message}: name one in the request (s3, azure), or set egress.storage ` +
            'or egress.local_directory in the configuration',
        );
      }
      return byDefault;
    case 's3':
      return s3Of(given.value);
    case 'azure':
      return azureOf(given.value);
    default:
      throw notSupported(`storage ${given.case}: s3 and azure are; an S3 endpoint is any`);
  }
}

function s3Of(given: S3Upload): StorageSpec {
  if (given.bucket === '') throw invalidInput('s3.bucket');
  if ((given.accessKey === '') !== (given.secret === '')) {
    throw invalidInput(
      's3.secret (access_key and secret go together; with neither, the machine’s)',
    );
  }
  if (given.endpoint !== '') checkedEndpoint(given.endpoint, 's3.endpoint');
  if (given.proxy !== undefined && given.proxy.url !== '') throw notSupported('s3.proxy');
  return {
    kind: 's3',
    accessKey: given.accessKey,
    secret: given.secret,
    sessionToken: given.sessionToken,
    assumeRoleArn: given.assumeRoleArn,
    assumeRoleExternalId: given.assumeRoleExternalId,
    region: given.region,
    endpoint: given.endpoint,
    bucket: given.bucket,
    forcePathStyle: given.forcePathStyle,
    metadata: { ...given.metadata },
    tagging: given.tagging,
    contentDisposition: given.contentDisposition,
  };
}

function azureOf(given: AzureBlobUpload): StorageSpec {
  if (!/^[a-z0-9]{3,24}$/.test(given.accountName)) throw invalidInput('azure.account_name');
  if (given.containerName === '') throw invalidInput('azure.container_name');
  return {
    kind: 'azure',
    accountName: given.accountName,
    accountKey: given.accountKey,
    containerName: given.containerName,
    endpoint: '',
  };
}

/** An endpoint may be written without its scheme, as the clouds' tools allow. */
function checkedEndpoint(endpoint: string, field: string): void {
  const url = URL.parse(endpoint.includes('://') ? endpoint : `https://${endpoint}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalidInput(`${field} (${JSON.stringify(endpoint.slice(0, 200))})`);
  }
}
