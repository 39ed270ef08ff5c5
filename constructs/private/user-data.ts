/** What a machine is told at its first boot: /etc/sluice/boot.json, by the cloud's user data. */

/** EC2 takes so many bytes of user data, before base64. */
export const MAX_USER_DATA_BYTES = 16_384;

/** Where the scripts of the node's image are on a machine. */
export const IMAGE_SCRIPTS = '/opt/sluice/node-image/image';

/** The contents of /etc/sluice/boot.json, without secrets: names, and where secrets are fetched. */
export interface BootFile {
  readonly cloud: 'aws';
  readonly region: string;
  readonly role: string;
  /** Name of the SSM parameter with sluice.yaml, and which version of it this machine is for. */
  readonly config: { readonly ssm: string; readonly revision: string };
  /** ARNs in Secrets Manager. */
  readonly secrets: { readonly [purpose: string]: string };
  /** The resource of the stack that waits until this machine serves. */
  readonly signal?: { readonly stack: string; readonly resource: string };
  /** The group that the machine is of, and its lifecycle hooks. */
  readonly group?: {
    readonly name: string;
    readonly launching?: string;
    readonly terminating?: string;
  };
  readonly data_volume?: { readonly id: string; readonly device: string; readonly mount: string };
  /** Elastic IP addresses of which this machine takes a free one, by their tag's value. */
  readonly static_addresses?: { readonly tag: string };
  /** A record of a private zone that names this machine's private address. */
  readonly address_record?: { readonly zone: string; readonly name: string };
  /** CloudWatch log group that the machine's journal goes to. */
  readonly log_group?: string;
}

/** What `renderUserData()` needs. */
export interface UserDataOptions {
  readonly boot: BootFile;
  /** Lines of shell that bring the node's software; none where the image has it. */
  readonly install: readonly string[];
}

/**
 * The user data: a shell script that cloud-init runs once, as root. Pure.
 *
 * The file goes first, because whoever fails after it can be reported by it; a failure is told to
 * the stack at once, so that nobody waits for a time-out.
 */
export function renderUserData({ boot, install }: UserDataOptions): string {
  return `${[
    '#!/bin/bash',
    'set -euo pipefail',
    "export DEBIAN_FRONTEND=noninteractive HOME=/root PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'",
    'install -d -m 0755 /etc/sluice',
    `cat > /etc/sluice/boot.json <<'${END}'`,
    JSON.stringify(boot, null, 1),
    END,
    ...failureLines(boot),
    ...install,
    'systemctl enable --now sluice.target',
  ].join('\n')}\n`;
}

/** Ends the file: no line of JSON is this word. */
const END = 'END_OF_BOOT_JSON';

/**
 * A word of shell that stands for exactly this text, whatever is in it. Pure.
 *
 * A token is quoted too: what it becomes at deployment must have no single quote in it, which is
 * so for names, ARNs and URLs of AWS.
 */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Tells the stack that this machine failed, and at what. SignalResource has no field for a reason;
 * the id of a signal is shown in the stack's events, may be of 64 characters, and carries it.
 *
 * Source: AWS CloudFormation API Reference, SignalResource, UniqueId.
 */
function failureLines(boot: BootFile): string[] {
  if (boot.signal === undefined) return [];
  const { region } = boot;
  const { stack, resource } = boot.signal;
  return [
    'failed() {',
    '  local token id reason',
    '  token=$(curl -sf -m 5 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token || true)',
    '  id=$(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id || hostname)',
    '  reason=$(printf "%s: %s" "$id" "$1" | tr -c "a-zA-Z0-9:./=\\n -" "_" | cut -c 1-64)',
    '  echo "sluice: the first boot failed at: $1" >&2',
    `  aws cloudformation signal-resource --region ${shellWord(region)} --stack-name ${shellWord(stack)} --logical-resource-id ${shellWord(resource)} --unique-id "$reason" --status FAILURE || true`,
    '}',
    `trap 'failed "line $LINENO: $BASH_COMMAND"' ERR`,
  ];
}
