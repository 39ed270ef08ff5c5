import { AcmeProblem, AcmeUnreachableError } from './acme-problem';
import { type CertificateSettings, issuerName } from './settings';

const CLOCK_CODES = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);
const UNTRUSTED = /^(?:SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ERR_TLS_CERT_ALTNAME)/;

/** Of the parts of boot.json that people have to correct. */
const SETTING = 'entry.lets_encrypt';

/**
 * Says why an order failed, and what to do: one or two sentences.
 *
 * @param given - of the machine that ordered
 */
export function failureText(error: unknown, given: CertificateSettings): string {
  const { directory_url } = given;
  const issuer = issuerName(directory_url);
  if (error instanceof AcmeUnreachableError) return unreachableText(error, issuer);
  if (error instanceof AcmeProblem) {
    // Where only the beginning is shown, the kind tells most.
    const kind = error.kind === '' ? '' : ` (${error.kind})`;
    return `No certificate${kind} for ${given.domain} from ${issuer}: ${problemText(error, given, issuer)}`;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return `The order at ${issuer} for ${given.domain} came to no end: ${reason}. It is tried again.`;
}

function unreachableText({ code, url }: AcmeUnreachableError, issuer: string): string {
  if (CLOCK_CODES.has(code)) {
    return `The clock of this machine says ${new Date().toISOString()}, at which the certificate of ${issuer} itself is not valid (${code}): set the clock, such as by timedatectl set-ntp true.`;
  }
  if (UNTRUSTED.test(code)) {
    return `The certificate of ${url} is not trusted here (${code}): correct ${SETTING}.directory_url, or name the authority behind it in NODE_EXTRA_CA_CERTS in /etc/default/sluice.`;
  }
  return `${issuer} cannot be asked at ${url} (${code}): see that this machine reaches it by HTTPS, by a proxy of yours too, and that ${SETTING}.directory_url is right.`;
}

function problemText(
  { kind, detail, notBeforeMs }: AcmeProblem,
  { domain, email, directory_url }: CertificateSettings,
  issuer: string,
): string {
  switch (kind) {
    case 'dns':
      return `the name does not resolve there (${detail}). Make an A record of ${domain} that points to this machine, and see that its zone is delegated.`;
    case 'connection':
    case 'tls':
      return `it does not reach port 80 of ${domain} (${detail}). Open TCP 80 from anywhere to this machine in firewall and router, and point the name to this machine.`;
    case 'unauthorized':
    case 'incorrectResponse':
      return `another server than this one answers on port 80 of ${domain} (${detail}). Point the name to this machine alone, IPv6 (AAAA) too, or let what stands before it pass /.well-known/acme-challenge/ on.`;
    case 'caa':
      return `a CAA record forbids it (${detail}). Add one such as 0 issue "letsencrypt.org" to ${domain}, or take the record away.`;
    case 'rateLimited':
      return `too many were asked for lately (${detail}). It is asked again ${notBeforeMs === undefined ? 'in an hour' : `after ${new Date(notBeforeMs).toISOString()}`}; for tests set ${SETTING}.directory_url to that of its staging environment.`;
    case 'invalidContact':
    case 'unsupportedContact':
      return `it does not take ${email ?? 'no address'} as a contact (${detail}). Correct ${SETTING}.email.`;
    case 'rejectedIdentifier':
    case 'unsupportedIdentifier':
    case 'malformed':
    case 'invalidProfile':
      return `it takes no orders for that name (${detail}). Give ${SETTING}.domain one that is public and yours.`;
    case 'userActionRequired':
      return `it has new terms of service (${detail}). Agree to them where it says, and start sluice-certificates again.`;
    case 'externalAccountRequired':
      return `it wants an account made beforehand (${detail}). Name an authority in ${SETTING}.directory_url that does not: ${directory_url} does.`;
    default:
      return `${detail}. It is tried again; ${issuer} tells of troubles of its own on its status page.`;
  }
}
