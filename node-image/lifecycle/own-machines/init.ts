import { randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AdminClient } from '../../api/cluster/admin-client';
import type { CreatedJoinToken } from '../../api/cluster/join-token-routes';
import { newApiKey } from '../../api/new-key';
import { JoinReader } from '../../cluster/join-channel';
import type { JoinRole } from '../../cluster/join-tokens';
import type { SharedEntry } from '../../cluster/shared-entry';
import { BootError } from '../boot/boot-error';
import { BOOT_PLAN_FILE, parseBootPlan } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import { NODE_USER } from '../boot/secret-files';
import { isHostName } from '../config';
import { parseKeys } from '../config/secrets';
import { givenCertificate } from './given-certificate';
import { linkAddress, nameOf } from './join';
import { deleteRedisData, entryPlan, refuseOldData } from './join-master';
import { checkMachine, type MachineFacts } from './machine-check';
import { keyFile, masterConfig, masterPlan } from './node-files';
import { startNode, stopNode } from './node-start';
import {
  LOCAL_URL,
  NewFiles,
  OWN_FILES,
  readMembership,
  refuseForeign,
  roleInWords,
  writeAdmin,
  writeMembership,
} from './own-files';
import { ownJobSettings, withMissing } from './own-jobs';
import { type OwnRegistry, ownRegistry } from './own-registry';
import { hostAndPort, REDIS_PORT, SENTINEL_PORT } from './own-sentinel';
import { selfSignedCertificate } from './self-signed';
import { HIGH_AVAILABILITY_PORTS, MASTER_PORTS, RTMP_PORTS } from './wanted-ports';

/** Where the certificate of the entry comes from. */
export type EntryCertificate =
  | { readonly kind: 'self-signed' }
  /** Whoever asks for it has agreed to the terms of Let's Encrypt. */
  | { readonly kind: 'lets-encrypt'; readonly email?: string | undefined }
  | {
      readonly kind: 'given';
      /** For people. */
      readonly file: string;
      readonly pem: string;
      readonly keyPem?: string | undefined;
    };

export interface InitOptions {
  readonly machine: Machine;
  readonly facts: MachineFacts;
  /** Name or address that clients connect to. @default - the private address */
  readonly domain?: string | undefined;
  readonly certificate: EntryCertificate;
  /** Whether there may be further Master Nodes, each with a Redis. @default - as it is, or false */
  readonly highAvailability?: boolean | undefined;
  /**
   * Recordings and streams, run by Media Nodes that install.sh --jobs has installed: where files go,
   * and whether encoders are taken by RTMP. @default - as it is, or none
   */
  readonly jobs?: { readonly rtmp: boolean; readonly recordings: string } | undefined;
  /** Of the cluster, for people. @default sluice */
  readonly cluster?: string | undefined;
  /** Among the nodes. @default - its host name */
  readonly name?: string | undefined;
  /** Private, where the others find Redis. @default - the first private one */
  readonly address?: string | undefined;
  readonly say: (line: string) => void;
  /** For tests. */
  readonly isReady?: (() => Promise<boolean>) | undefined;
  readonly makeToken?:
    | ((keys: Readonly<Record<string, string>>, role: JoinRole) => Promise<string>)
    | undefined;
  readonly registry?: Pick<OwnRegistry, 'share'> | undefined;
  readonly patienceMs?: number | undefined;
}

/** What whoever has called it needs next. */
export interface Initialized {
  readonly url: string;
  /** That `sluice join --master` is given. */
  readonly master: string;
  readonly token: string;
  /** The same, for a further Master Node. @default - there is none */
  readonly masterToken?: string | undefined;
  readonly selfSigned: boolean;
}

const CONFIG_FOR = { mode: 0o640, group: NODE_USER } as const;
const CERTIFICATE_FOR = { mode: 0o640, group: 'sluice-haproxy' } as const;

/**
 * Makes this machine the Master Node of a new cluster, with Redis and an entry on 443. Run again, it
 * keeps what there is, secrets above all, and takes over another domain or certificate.
 *
 * @throws BootError with one sentence that says what to do; nothing is left then of a first run.
 */
export async function init(options: InitOptions): Promise<Initialized> {
  const { machine, facts, say, patienceMs, registry = ownRegistry(machine) } = options;
  const before = await readMembership(machine);
  const isAvailable = options.highAvailability ?? before?.highAvailability ?? false;
  const ports = [
    ...(isAvailable ? HIGH_AVAILABILITY_PORTS : MASTER_PORTS),
    ...(options.jobs?.rtmp === true ? RTMP_PORTS : []),
  ];
  await checkMachine({ machine, facts, ports });
  if (before === undefined) {
    await refuseForeign(machine);
    if (isAvailable) await refuseOldData(machine);
  } else if (before.role !== 'master' || (options.cluster ?? before.cluster) !== before.cluster) {
    throw new BootError(
      `This machine is ${roleInWords(before)} of the cluster ${before.cluster} already: run \`sluice leave\` here first, if it is to leave that.`,
    );
  }
  if (before !== undefined && isAvailable !== (before.highAvailability ?? false)) {
    throw new BootError(
      `This machine is the Master Node of the cluster ${before.cluster}, which was made without High Availability and stays so: keep it, or begin anew by \`sluice leave --force\` and \`sluice init --high-availability\`.`,
    );
  }
  const name = before?.machine ?? nameOf(options);
  const cluster = options.cluster ?? before?.cluster ?? 'sluice';
  if (!/^[\w.-]{1,63}$/.test(cluster)) {
    throw new BootError(
      `${JSON.stringify(cluster)} is no name for a cluster: give one of up to 63 letters, digits, ".", "-" and "_".`,
    );
  }
  const address = linkAddress(options.address ?? '', facts);
  const domain = options.domain ?? address;
  if (isIP(domain) === 0 && !isHostName(domain)) {
    throw new BootError(
      `${JSON.stringify(domain)} is no name that clients can connect to: give one such as meet.example.com, or an address.`,
    );
  }
  const certificate = await certificateOf(options, domain);
  const host = isIP(domain) === 6 ? `[${domain}]` : domain;
  const jobs = options.jobs && { host, ...options.jobs };
  const files = new NewFiles(machine);
  try {
    const keys = await apiKeys(machine, files);
    const secret = await clusterSecret(machine, files);
    if (!(await machine.exists(CONFIG_FILE))) {
      // TURN/TLS needs a name: clients check the certificate by it.
      const turnDomain = isIP(domain) === 0 ? domain : undefined;
      const sentinels = isAvailable ? [hostAndPort(address, SENTINEL_PORT)] : undefined;
      const place = { machine: name, cluster, address };
      const config = masterConfig({ ...place, domain: turnDomain, sentinels, jobs });
      await files.write(CONFIG_FILE, config, CONFIG_FOR);
    } else if (jobs !== undefined) {
      const present = (await machine.read(CONFIG_FILE)) ?? '';
      const config = withMissing(present, ownJobSettings('master', jobs));
      if (config !== present) {
        await machine.write(CONFIG_FILE, config, CONFIG_FOR);
        say(`${CONFIG_FILE} says what it did not say of jobs; the node takes it over by`);
        say('systemctl restart sluice-boot sluice-node');
      }
    }
    if (certificate !== undefined) {
      // The folder of boot.json's default for it.
      await machine.folder('/etc/sluice/tls', { mode: 0o750, group: CERTIFICATE_FOR.group });
      await files.write(OWN_FILES.certificate, certificate, CERTIFICATE_FOR);
    }
    const { publicKey } = new JoinReader(secret);
    await writeMembership(files, {
      role: 'master',
      cluster,
      publicKey,
      machine: name,
      ...(isAvailable && { highAvailability: true }),
    });
    const entry = await sharedEntry(options, domain);
    const primary = isAvailable
      ? ((await primaryBefore(machine)) ?? hostAndPort(address, REDIS_PORT))
      : undefined;
    const plan = masterPlan(entryPlan(entry), primary);
    await files.write(BOOT_PLAN_FILE, `${JSON.stringify(plan, undefined, 2)}\n`, { mode: 0o644 });
    await startNode({ machine, isReady: options.isReady, patienceMs });
    if (before !== undefined) await reloadEntry(machine);
    say(`${name} serves as the Master Node of the cluster ${cluster}`);
    if (isAvailable) await registry.share(entry);
    const newToken = options.makeToken ?? makeToken;
    const token = await newToken(keys, 'media');
    const further = isAvailable && { masterToken: await newToken(keys, 'master') };
    const selfSigned = options.certificate.kind === 'self-signed';
    return { url: `https://${host}`, master: host, token, ...further, selfSigned };
  } catch (error) {
    if (before === undefined) {
      await stopNode(machine);
      await files.takeBack();
      if (isAvailable) await deleteRedisData(machine);
    }
    throw error;
  }
}

/** What runs already takes another certificate over without dropping a connection. */
async function reloadEntry(machine: Machine): Promise<void> {
  const unit = 'sluice-haproxy.service';
  const { code } = await machine.run('systemctl', 'try-reload-or-restart', unit);
  if (code === 0) return;
  throw new BootError(
    `HAProxy goes on with the certificate that it had, as it cannot be reloaded: see \`journalctl -u ${unit}\`, and run this again.`,
  );
}

/** What further Master Nodes are told. */
async function sharedEntry(
  { machine, certificate }: InitOptions,
  domain: string,
): Promise<SharedEntry> {
  if (certificate.kind !== 'lets-encrypt') {
    return { kind: 'pem', domain, pem: (await machine.read(OWN_FILES.certificate)) ?? '' };
  }
  const { email } = certificate;
  return { kind: 'lets-encrypt', domain, ...(email !== undefined && { email }) };
}

/** Where the primary was when this machine came: Sentinel knows better since. */
async function primaryBefore(machine: Machine): Promise<string | undefined> {
  const json = await machine.read(BOOT_PLAN_FILE);
  return json === undefined ? undefined : parseBootPlan(json).redis.sentinel?.primary;
}

/** @returns undefined where it is fetched by whoever runs the entry, or is to stay as it is. */
async function certificateOf(
  { machine, certificate }: InitOptions,
  domain: string,
): Promise<string | undefined> {
  switch (certificate.kind) {
    case 'lets-encrypt':
      return undefined;
    case 'given':
      return givenCertificate(certificate, domain);
    case 'self-signed': {
      const present = await machine.read(OWN_FILES.certificate);
      // Who trusts it need not be told again.
      return present !== undefined && fits(present, domain)
        ? undefined
        : selfSignedCertificate([domain]);
    }
  }
}

function fits(pem: string, name: string): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const isFor = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
    return isFor !== undefined && certificate.validToDate.getTime() > Date.now();
  } catch {
    return false;
  }
}

async function clusterSecret(machine: Machine, files: NewFiles): Promise<string> {
  const present = (await machine.read(OWN_FILES.clusterSecret))?.trim();
  if (present !== undefined && present !== '') return present;
  const secret = randomBytes(32).toString('hex');
  await files.secret(OWN_FILES.clusterSecret, `${secret}\n`);
  return secret;
}

async function apiKeys(
  machine: Machine,
  files: NewFiles,
): Promise<Readonly<Record<string, string>>> {
  const present = await machine.read(OWN_FILES.apiKey);
  const known = present === undefined ? undefined : parseKeys(present);
  const made = newApiKey();
  const keys = known ?? { [made.apiKey]: made.secret };
  if (known === undefined) await files.secret(OWN_FILES.apiKey, keyFile(keys));
  await writeAdmin(files, keys);
  return keys;
}

async function makeToken(keys: Readonly<Record<string, string>>, role: JoinRole): Promise<string> {
  const [[apiKey, apiSecret] = ['', '']] = Object.entries(keys);
  const client = new AdminClient({ url: LOCAL_URL, apiKey, apiSecret });
  return (
    await client.call<CreatedJoinToken>('POST', 'join-tokens', role === 'media' ? {} : { role })
  ).token;
}
