/** What a machine is told at its first boot: /etc/sluice/boot.json, by the cloud's user data. */

/** EC2 takes so many bytes of user data, before base64. */
export const MAX_USER_DATA_BYTES = 16_384;

/**
 * The contents of /etc/sluice/boot.json, without secrets: names, and where secrets are fetched.
 * `sluice boot` on the machine says what each key means.
 */
export interface BootFile {
  readonly cloud: 'aws';
  readonly role: string;
  /** Name of the SSM parameter with sluice.yaml. */
  readonly config: { readonly ssm: string };
  /** ARNs in Secrets Manager. */
  readonly secrets: { readonly [purpose: string]: string };
  /** The resource of the stack that waits until this machine serves. */
  readonly signal?: { readonly stack: string; readonly resource: string };
  readonly data_volume?: { readonly id: string; readonly device: string; readonly mount: string };
  /** Elastic IP addresses of which this machine takes a free one: `key=value` of their tag. */
  readonly static_addresses?: { readonly tag: string };
  readonly redis?: { readonly server: boolean };
  /** Name of the log group that the journal goes to. */
  readonly log_group?: string;
  /** What HAProxy listens on for clients. */
  readonly entry?: object;
}

/** A record of a private zone that names a machine's private address. */
export interface AddressRecord {
  readonly zone: string;
  readonly name: string;
}

/** What `renderUserData()` needs. */
export interface UserDataOptions {
  readonly boot: BootFile;
  readonly region: string;
  /** Of the configuration: another one is another launch template, and is rolled out. */
  readonly revision: string;
  /** Lines of shell that bring the node's software; none where the image has it. */
  readonly install: readonly string[];
  readonly addressRecord?: AddressRecord;
}

/**
 * The user data: a shell script that cloud-init runs once, as root. Pure.
 *
 * What it is told goes first, and a failure is told to the stack at once, so that nobody waits for
 * a time-out. Once the software is there, `sluice agent` tells.
 */
export function renderUserData(options: UserDataOptions): string {
  const { boot, region, revision, install, addressRecord } = options;
  return `${[
    '#!/bin/bash',
    'set -euo pipefail',
    'export HOME=/root DEBIAN_FRONTEND=noninteractive',
    `export AWS_DEFAULT_REGION=${shellWord(region)}`,
    'install -d -m 0755 /etc/sluice',
    `cat > /etc/sluice/boot.json <<'${END}'`,
    JSON.stringify(boot, null, 1),
    END,
    ...METADATA,
    ...failureLines(boot),
    ...install,
    NEEDS_AWS,
    ...configurationLines(boot.config.ssm, revision),
    ...(addressRecord ? recordLines(addressRecord) : []),
    '/opt/sluice/bin/start',
  ].join('\n')}\n`;
}

/** Ends the file: no line of JSON is this word. */
const END = 'END_OF_BOOT_JSON';

/** Seconds; whoever has asked before the machine was replaced asks again soon. */
const RECORD_TTL = 5;

/**
 * A word of shell that stands for exactly this text, whatever is in it. Pure.
 *
 * A token is quoted too: what it becomes at deployment must have no single quote in it, which is
 * so for names, ARNs and URLs of AWS.
 */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Asks the machine about itself (IMDSv2). */
const METADATA = [
  'metadata() {',
  '  local base=http://169.254.169.254/latest token',
  '  token=$(curl -sf -m 5 --retry 5 -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" "$base/api/token")',
  '  curl -sf -m 5 --retry 5 -H "X-aws-ec2-metadata-token: $token" "$base/meta-data/$1"',
  '}',
];

/**
 * Tells the stack that this machine failed, and at what. SignalResource has no field for a reason;
 * the id of a signal is shown in the stack's events, may be of 64 characters, and carries it.
 *
 * Source: AWS CloudFormation API Reference, SignalResource, UniqueId.
 */
function failureLines({ signal }: BootFile): string[] {
  if (signal === undefined) return [];
  const where = `--stack-name ${shellWord(signal.stack)} --logical-resource-id ${shellWord(signal.resource)}`;
  return [
    'failed() {',
    '  echo "sluice: the first boot failed at $1" >&2',
    '  local id',
    '  id=$(metadata instance-id || hostname)',
    '  id=$(printf "%s %s" "$id" "$1" | tr -cs "a-zA-Z0-9:./ -" " " | cut -c 1-64)',
    `  aws cloudformation signal-resource ${where} --unique-id "$id" --status FAILURE || true`,
    '}',
    'trap \'failed "$BASH_COMMAND"\' ERR',
  ];
}

/** Others may be at work with it on a machine that has just started. */
export const APT = 'apt-get -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300';

/** Images of yours may be without. */
const NEEDS_AWS = `command -v aws > /dev/null || { ${APT} update && ${APT} install -y --no-install-recommends awscli; }`;

/** Seconds; as long as anything takes that a configuration names, such as Redis. */
const LONGEST_WAIT = 1500;

/** The line of a configuration that says which one it is. */
export function revisionLine(revision: string): string {
  return `# Revision ${revision}`;
}

/**
 * Waits for the configuration that this machine is for. Machines are started while what it names is
 * still made, which takes longer than to install, and may be there before it is changed.
 */
function configurationLines(name: string, revision: string): string[] {
  const read = `aws ssm get-parameter --name ${shellWord(name)} --query Parameter.Value --output text`;
  return [
    `until [[ $(${read} 2> /dev/null) == *${shellWord(revisionLine(revision))}* ]]; do`,
    `  [ "$SECONDS" -lt ${LONGEST_WAIT} ] || break`,
    '  sleep 5',
    'done',
  ];
}

/** Names this machine's private address; it keeps the address as long as it is there. */
function recordLines({ zone, name }: AddressRecord): string[] {
  return [
    'address=$(metadata local-ipv4)',
    `record=${shellWord(name)}`,
    'change=$(printf \'{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"%s","Type":"A","TTL":' +
      `${RECORD_TTL},"ResourceRecords":[{"Value":"%s"}]}}]}' "$record" "$address")`,
    `aws route53 change-resource-record-sets --hosted-zone-id ${shellWord(zone)} --change-batch "$change" > /dev/null`,
  ];
}
