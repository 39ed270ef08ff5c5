import { STATE_MODE } from '../../certificates/certificate-store';
import { readEntryCertificate } from '../../certificates/entry-certificate';
import { ENTRY_CERTIFICATE_MODE } from '../../certificates/entry-tls';
import {
  CERTIFICATE_SETTINGS_FILE,
  CERTIFICATE_STATE_FILE,
  CERTIFICATES_FOLDER,
  CERTIFICATES_RUN_FOLDER,
  type CertificateServiceSettings,
  type CertificateSettings,
  ENTRY_CERTIFICATE_FILE,
} from '../../certificates/settings';
import { standInCertificate } from '../../certificates/stand-in';
import type { SluiceConfig } from '../../contract';
import { derivedSecret } from '../derived-secret';
import { BootError } from './boot-error';
import type { BootPlan, EntryPlan } from './boot-plan';
import type { FileFor, Machine } from './machine';
import { CERTIFICATE_GROUP, SECRETS_FOLDER } from './secret-files';

/** Whom sluice-certificates.service runs as. */
const USER = 'sluice-certificates';
/** HAProxy reads there, and connects to the socket in there. */
const FOLDER: FileFor = { mode: 0o750, user: USER, group: CERTIFICATE_GROUP };
/** `sluice agent` reads how it stands. */
const RUN_FOLDER: FileFor = { ...FOLDER, mode: 0o751 };

export interface EntryCertificateOptions {
  readonly machine: Machine;
  readonly plan: BootPlan;
  /** As the node will have it. */
  readonly config: SluiceConfig;
  readonly say: (line: string) => void;
}

/**
 * Sees to the certificate that HAProxy starts with, and writes what sluice-certificates is to do, or
 * takes that away.
 *
 * @returns its file; undefined where TLS does not end here.
 * @throws BootError with one sentence that says what to do.
 */
export async function prepareEntryCertificate(
  options: EntryCertificateOptions,
): Promise<string | undefined> {
  const { machine, plan } = options;
  const { entry } = plan;
  if (entry?.lets_encrypt !== undefined) return ordered(options, entry, entry.lets_encrypt);
  await machine.remove(CERTIFICATE_SETTINGS_FILE);
  if (entry === undefined || !entry.tls) return undefined;
  const byDefault =
    'certificate' in plan.secrets ? `${SECRETS_FOLDER}/certificate` : '/etc/sluice/tls/entry.pem';
  const certificate = entry.certificate ?? byDefault;
  if (!(await machine.exists(certificate))) {
    throw new BootError(
      `There is no certificate ${certificate} for the entry: put certificate, chain and key there as PEM, readable for the group ${CERTIFICATE_GROUP}, or have one ordered by entry.lets_encrypt, or set entry.tls to false where a load balancer ends TLS.`,
    );
  }
  return certificate;
}

async function ordered(
  { machine, plan, config, say }: EntryCertificateOptions,
  { tls, certificate }: EntryPlan,
  settings: CertificateSettings,
): Promise<string> {
  if (!tls) {
    throw new BootError(
      'boot.json has entry.lets_encrypt, and entry.tls is false: take one of them out, as without TLS there is no use for a certificate.',
    );
  }
  if (certificate !== undefined || 'certificate' in plan.secrets) {
    throw new BootError(
      'boot.json has entry.lets_encrypt and a certificate of yours as well (entry.certificate or secrets.certificate): take one of them out.',
    );
  }
  const { domain } = settings;
  await machine.folder(CERTIFICATES_RUN_FOLDER, RUN_FOLDER);
  await machine.folder(CERTIFICATES_FOLDER, FOLDER);
  // On a data volume they are those of another machine, where users have other numbers.
  await machine.own(CERTIFICATE_STATE_FILE, { ...FOLDER, mode: STATE_MODE });
  await machine.own(ENTRY_CERTIFICATE_FILE, { ...FOLDER, mode: ENTRY_CERTIFICATE_MODE });
  const there = await machine.read(ENTRY_CERTIFICATE_FILE);
  if (there === undefined || readEntryCertificate(there)?.covers(domain) !== true) {
    await machine.write(ENTRY_CERTIFICATE_FILE, await standInCertificate(domain), {
      ...FOLDER,
      mode: ENTRY_CERTIFICATE_MODE,
    });
    say(`clients are not to trust ${domain} before its certificate is there`);
  }
  const told: CertificateServiceSettings = {
    certificate: settings,
    logging: config.logging,
    ...(plan.role === 'master' && { shared: sharedBy(config) }),
  };
  await machine.write(CERTIFICATE_SETTINGS_FILE, `${JSON.stringify(told)}\n`, {
    mode: 0o400,
    user: USER,
  });
  say(`a certificate for ${domain} is ordered`);
  return ENTRY_CERTIFICATE_FILE;
}

/** Master Nodes of a cluster have one certificate and one account together. */
const sharedBy = ({ redis, sluice: { cluster } }: SluiceConfig) => ({
  clusterName: cluster.name,
  secret: derivedSecret(cluster.secret, 'certificate'),
  ...(cluster.previous_secret !== '' && {
    previousSecret: derivedSecret(cluster.previous_secret, 'certificate'),
  }),
  redis,
});
