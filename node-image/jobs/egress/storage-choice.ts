import type {
  AliOSSUpload,
  AzureBlobUpload,
  GCPUpload,
  ProxyConfig,
  S3Upload,
  StorageConfig,
} from '@livekit/protocol';
import { z } from 'zod';
import { EgressError, invalidInput } from './egress-error';
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
    case 'gcp':
      return gcpOf(given.value);
    case 'aliOSS':
      return aliOssOf(given.value);
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
    virtualHost: false,
    metadata: { ...given.metadata },
    tagging: given.tagging,
    contentDisposition: given.contentDisposition,
    proxy: proxyOf(given.proxy, 's3.proxy'),
  };
}

const serviceAccount = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
});

function gcpOf(given: GCPUpload): StorageSpec {
  if (given.bucket === '') throw invalidInput('gcp.bucket');
  const proxy = proxyOf(given.proxy, 'gcp.proxy');
  return {
    kind: 'gcp',
    bucket: given.bucket,
    endpoint: '',
    proxy,
    ...accountOf(given.credentials),
  };
}

/**
 * Other kinds of credentials name files, addresses and programs of the node, which are not for whoever
 * may record.
 *
 * @param json - the key file of a service account; empty: the rights of the machine
 * @throws EgressError
 */
export function accountOf(json: string): { clientEmail: string; privateKey: string } {
  if (json === '') return { clientEmail: '', privateKey: '' };
  try {
    const { client_email, private_key } = serviceAccount.parse(JSON.parse(json));
    return { clientEmail: client_email, privateKey: private_key };
  } catch {
    // What was given is a secret: no word of it.
    throw invalidInput('gcp.credentials (the JSON key of a service account)');
  }
}

/** By the interface of S3 that it has besides its own. Source: Alibaba Cloud, "Compatibility with S3". */
function aliOssOf({ accessKey, secret, region, endpoint, bucket }: AliOSSUpload): StorageSpec {
  if (bucket === '') throw invalidInput('aliOSS.bucket');
  if (accessKey === '' || secret === '') throw invalidInput('aliOSS.access_key, aliOSS.secret');
  if (endpoint === '' && region === '') throw invalidInput('aliOSS.region or aliOSS.endpoint');
  const named = region.startsWith('oss-') ? region : `oss-${region}`;
  const where = endpoint || `https://${named}.aliyuncs.com`;
  checkedEndpoint(where, 'aliOSS.endpoint');
  return {
    ...{ kind: 's3', accessKey, secret, bucket, sessionToken: '', assumeRoleArn: '' },
    ...{ assumeRoleExternalId: '', region: region || 'oss', endpoint: where },
    ...{ forcePathStyle: false, virtualHost: true, metadata: {}, tagging: '' },
    ...{ contentDisposition: '', proxy: '' },
  };
}

/** @returns with its user and password; empty: none is asked for */
function proxyOf(given: ProxyConfig | undefined, field: string): string {
  if (given === undefined || given.url === '') return '';
  const url = URL.parse(given.url);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalidInput(`${field}.url (http://host:port or https://host:port)`);
  }
  if (given.username !== '') url.username = encodeURIComponent(given.username);
  if (given.password !== '') url.password = encodeURIComponent(given.password);
  return url.href;
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
  // It is part of where a file is, which everybody is told.
  if (url.username !== '' || url.password !== '') throw invalidInput(`${field} (with a password)`);
}
