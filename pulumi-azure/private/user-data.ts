/** What a machine is told at its first boot: /etc/sluice/boot.json, by its custom data. Pure. */
import { Buffer } from 'node:buffer';

/** Azure takes so many bytes of custom data, in base64. */
export const MAX_CUSTOM_DATA_BYTES = 65_535;

/**
 * The contents of /etc/sluice/boot.json, without secrets: names, and where secrets are read.
 * `sluice boot` on the machine says what each key means.
 */
export interface BootFile {
  readonly cloud: 'azure';
  readonly role: string;
  /** The Key Vault with the configuration and, unless they are named with their own, the secrets. */
  readonly vault: string;
  /** Client id of the identity to read with. */
  readonly identity: string;
  readonly config: { readonly secret: string; readonly revision: string };
  /** Names in the vault by purpose; whole URLs where they are in another one. */
  readonly secrets: { readonly [purpose: string]: string };
  readonly data_volume?: { readonly lun: number; readonly mount: string };
  readonly redis?: { readonly server: boolean };
  /** Where `sluice agent` sends the journal. */
  readonly log_ingestion?: {
    readonly endpoint: string;
    readonly rule: string;
    readonly stream: string;
  };
  /** What HAProxy listens on for clients. */
  readonly entry?: object;
}

/** Where the reason is when the first boot has failed; read by whoever waits for the machine. */
export const FAILED_FILE = '/run/sluice-first-boot-failed';

/**
 * The custom data: a shell script that cloud-init runs once, as root.
 *
 * @param ssh Whether somebody has a key for it.
 * @param install Lines of shell that bring the node's software; none where the image has it.
 */
export function renderUserData(boot: BootFile, install: readonly string[], ssh = false): string {
  return `${[
    '#!/bin/bash',
    'set -euo pipefail',
    'export HOME=/root DEBIAN_FRONTEND=noninteractive',
    'failed() {',
    '  echo "sluice: the first boot failed at $1" >&2',
    `  printf '%s\\n' "$1" > ${FAILED_FILE}`,
    '}',
    'trap \'failed "$BASH_COMMAND"\' ERR',
    ...(ssh ? [] : [NO_SSH]),
    'install -d -m 0755 /etc/sluice',
    `cat > /etc/sluice/boot.json <<'${END}'`,
    JSON.stringify(boot, null, 1),
    END,
    ...TOKEN,
    ...install,
    '/opt/sluice/bin/start',
  ].join('\n')}\n`;
}

/** As Azure takes it. */
export function customData(script: string): string {
  return Buffer.from(script).toString('base64');
}

/** Ends the file: no line of JSON is this word. */
const END = 'END_OF_BOOT_JSON';

/** Where nobody has the key of the machine there is nothing to listen for. */
const NO_SSH = 'systemctl disable --quiet --now ssh.socket ssh.service 2> /dev/null || true';

/** A token of this machine's identity for a service of Azure. */
const TOKEN = [
  'token() {',
  "  curl -sSf --noproxy '*' -m 10 --retry 20 --retry-delay 5 --retry-all-errors -H 'Metadata: true' \\",
  '    "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=$1&client_id=$2" |',
  '    python3 -c \'import json, sys; print(json.load(sys.stdin)["access_token"])\'',
  '}',
];

/**
 * A word of shell that stands for exactly this text, whatever is in it.
 */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Others may be at work with it on a machine that has just started. */
export const APT = 'apt-get -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300';

/**
 * What the extension of a machine runs, so that its creation lasts until a call through its node
 * works, and fails with the reason. Kept from waiting for ever.
 */
export function readyCommand(minutes: number): string {
  const wait = [
    'until [ -x /opt/sluice/bin/sluice ] && [ -e /etc/sluice/boot.json ]; do',
    `if [ -s ${FAILED_FILE} ]; then echo "sluice: the first boot failed at $(cat ${FAILED_FILE})" >&2; exit 1; fi;`,
    'sleep 2; done;',
    `exec /opt/sluice/bin/sluice boot --wait --within ${minutes}m`,
  ].join(' ');
  return `timeout ${minutes + 1}m bash -c ${shellWord(wait)}`;
}
