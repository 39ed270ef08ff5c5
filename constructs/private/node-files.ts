import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, sep } from 'node:path';
import { Aws, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { APT, shellWord } from './user-data';

const ID = 'SluiceNodeFiles';

/** What of the package a node needs, relative to its root. */
const NEEDED = ['package.json', 'package-lock.json', 'LICENSE', 'node-image', 'scripts/lib'];

/** The node's software as an asset of the stack: one for all machines of it. */
export function nodeFiles(scope: Construct): assets.Asset {
  const stack = Stack.of(scope);
  const existing = stack.node.tryFindChild(ID);
  if (existing instanceof assets.Asset) return existing;
  const root = packageRoot();
  const staged = mkdtempSync(join(tmpdir(), 'sluice-node-'));
  try {
    for (const name of NEEDED) {
      const from = join(root, name);
      if (!existsSync(from)) continue;
      cpSync(from, join(staged, name), { recursive: true, filter: (path) => isOfNode(root, path) });
    }
    return new assets.Asset(stack, ID, { path: staged });
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/**
 * The lines that bring the asset onto a machine and install from it.
 *
 * Debian has no agent of Systems Manager, and without one nobody can look at a machine: there is no
 * SSH. It is AWS's own package, by TLS; without it, the machine serves all the same.
 */
export function installFromAsset(files: assets.Asset, options: readonly string[] = []): string[] {
  const from = '/var/tmp/sluice';
  const agent = `https://s3.${Aws.REGION}.${Aws.URL_SUFFIX}/amazon-ssm-${Aws.REGION}/latest`;
  return [
    `${APT} update`,
    `${APT} install -y --no-install-recommends awscli ca-certificates curl unzip`,
    `aws s3 cp --only-show-errors ${shellWord(files.s3ObjectUrl)} ${from}.zip`,
    `unzip -q -o ${from}.zip -d ${from}`,
    ['bash', `${from}/node-image/image/install.sh`, ...options].join(' '),
    'if [ ! -e /usr/bin/amazon-ssm-agent ]; then',
    `  { curl -sSf --retry 5 -o ${from}.deb ${shellWord(agent)}"/debian_$(dpkg --print-architecture)/amazon-ssm-agent.deb" && dpkg -i ${from}.deb; } || echo "sluice: no Session Manager" >&2`,
    'fi',
    `rm -rf ${from} ${from}.zip ${from}.deb`,
  ];
}

/** Lets a machine fetch the asset, and no other. */
export function grantFiles(files: assets.Asset, grantee: iam.IGrantable): void {
  iam.Grant.addToPrincipal({
    grantee,
    actions: ['s3:GetObject'],
    resourceArns: [files.bucket.arnForObjects(files.s3ObjectKey)],
  });
}

/** Where node-image is: beside constructs, in the repository and in the package alike. */
function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'node-image', 'package.json'))) {
    const parent = join(folder, '..');
    if (parent === folder) {
      throw new Error(
        `the node's files are missing: no folder above ${__dirname} has node-image/package.json; install the package again, or use NodeImage.fromAmi()`,
      );
    }
    folder = parent;
  }
  return folder;
}

function isOfNode(root: string, path: string): boolean {
  const parts = relative(root, path).split(sep);
  const name = basename(path);
  return !parts.includes('node_modules') && name !== '.git' && !name.endsWith('.tsbuildinfo');
}
