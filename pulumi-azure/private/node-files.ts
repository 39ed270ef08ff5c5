import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as storage from '@pulumi/azure-native/storage';
import * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../place';
import { compactName, nameSuffix } from './names';
import { placed } from './placed';
import { APT, shellWord } from './user-data';

/** What of the package a node needs, relative to its root. */
const NEEDED = ['package.json', 'package-lock.json', 'LICENSE', 'node-image', 'scripts/lib'];

/** The version of the Blob service's API that lets a machine's identity read. */
const BLOB_API = '2021-08-06';

/** The node's software as a blob in a storage account of the stack, which nobody else can read. */
export class NodeFiles extends pulumi.ComponentResource {
  readonly account: storage.StorageAccount;
  /** Id of the container, for who may read it. */
  readonly containerId: pulumi.Output<string>;
  /** Where machines fetch it. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: PlaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:azure:NodeFiles', name, {}, opts);
    const { resourceGroupName } = args;
    const files = nodeFiles();
    const suffix = nameSuffix(name, { parent: this });
    this.account = new storage.StorageAccount(
      `${name}-account`,
      {
        ...placed(args),
        accountName: pulumi.interpolate`${compactName(name, 15)}${suffix}`,
        kind: storage.Kind.StorageV2,
        sku: { name: storage.SkuName.Standard_LRS },
        allowBlobPublicAccess: false,
        enableHttpsTrafficOnly: true,
        minimumTlsVersion: storage.MinimumTlsVersion.TLS1_2,
      },
      { parent: this },
    );
    const accountName = this.account.name;
    const container = new storage.BlobContainer(
      `${name}-container`,
      {
        resourceGroupName,
        accountName,
        containerName: 'node-files',
        publicAccess: storage.PublicAccess.None,
      },
      { parent: this },
    );
    const blob = new storage.Blob(
      `${name}-blob`,
      {
        resourceGroupName,
        accountName,
        containerName: container.name,
        // Other files are another blob: machines are told of it by their custom data, and rolled.
        blobName: `sluice-node-${hashOf(files)}.zip`,
        type: storage.BlobType.Block,
        // A folder of files becomes a zip on its way.
        source: new pulumi.asset.AssetArchive(assetsOf(files)),
        contentType: 'application/zip',
      },
      { parent: this },
    );
    this.containerId = container.id;
    this.url = pulumi.interpolate`https://${accountName}.blob.core.windows.net/${container.name}/${blob.name}`;
    this.registerOutputs({ url: this.url });
  }
}

/**
 * The lines that bring the files onto a machine and install from them.
 *
 * @param options - of install.sh
 */
export function installFromFiles(
  url: string,
  identity: string,
  options: readonly string[] = [],
): string[] {
  const from = '/var/tmp/sluice';
  return [
    `${APT} update`,
    `${APT} install -y --no-install-recommends ca-certificates curl unzip`,
    `bearer=$(token 'https%3A%2F%2Fstorage.azure.com%2F' ${shellWord(identity)})`,
    // The right to read may be new: it takes Azure minutes to know of it.
    'until printf \'header = "Authorization: Bearer %s"\\n\' "$bearer" | ' +
      `curl -sSf --config - -H 'x-ms-version: ${BLOB_API}' -o ${from}.zip ${shellWord(url)}; do`,
    '  [ "$SECONDS" -lt 900 ]',
    '  sleep 10',
    'done',
    'unset bearer',
    `unzip -q -o ${from}.zip -d ${from}`,
    ['bash', `${from}/node-image/image/install.sh`, ...options].join(' '),
    `rm -rf ${from} ${from}.zip`,
  ];
}

/** Every file that a node needs: where it is, by its path in the package. */
export function nodeFiles(root: string = packageRoot()): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string): void => {
    const whole = join(root, path);
    if (!existsSync(whole)) return;
    if (!statSync(whole).isDirectory()) {
      found.set(path, whole);
      return;
    }
    for (const name of readdirSync(whole).sort()) {
      if (name === 'node_modules' || name === '.git' || name.endsWith('.tsbuildinfo')) continue;
      visit(`${path}/${name}`);
    }
  };
  for (const path of NEEDED) visit(path);
  return found;
}

function assetsOf(files: ReadonlyMap<string, string>): Record<string, pulumi.asset.Asset> {
  return Object.fromEntries(
    [...files].map(([path, file]) => [path, new pulumi.asset.FileAsset(file)]),
  );
}

function hashOf(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [path, file] of files)
    hash.update(`${path}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 12);
}

/** Where node-image is: beside pulumi-azure, in the repository and in the package alike. */
function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'node-image', 'package.json'))) {
    const parent = join(folder, '..');
    if (parent === folder) {
      throw new pulumi.RunError(
        `the node's files are missing: no folder above ${__dirname} has node-image/package.json; install the package again, or use NodeImage.fromImage()`,
      );
    }
    folder = parent;
  }
  return folder;
}
