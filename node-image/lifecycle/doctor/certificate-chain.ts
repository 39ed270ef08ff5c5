import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type DoctorFinding, reportOf } from './problems';

const DAY_MS = 24 * 60 * 60_000;
/** Of those that live for months; others are warned of in the last third of their life. */
const SOON_MS = 14 * DAY_MS;
const LONGEST_CHAIN = 10;

export interface ChainQuestion {
  /** Title of the findings. */
  readonly check: string;
  /** That of the server first. */
  readonly chain: readonly X509Certificate[];
  /** Name or address that clients use; undefined: it is not compared. */
  readonly domain: string | undefined;
  /** Authorities that browsers trust. */
  readonly roots: readonly X509Certificate[];
  readonly nowMs: number;
  /** What to do for another certificate, for people. */
  readonly renew: string;
}

/** Judges what a server shows, as a browser would. */
export function judgeChain(question: ChainQuestion): readonly DoctorFinding[] {
  const { check, chain, domain, nowMs, renew } = question;
  const { ok, problem } = reportOf(check);
  const [leaf] = chain;
  if (leaf === undefined) {
    return [problem('certificate-missing', 'there is no certificate in it', renew)];
  }
  const findings = [...judgeTime(question, leaf), ...judgeIssuers(question, leaf)];
  if (domain !== undefined && !isFor(leaf, domain)) {
    findings.push(
      problem('certificate-name', `it is not for ${domain}, but for ${namesOf(leaf)}`, renew),
    );
  }
  const days = Math.floor((Date.parse(leaf.validTo) - nowMs) / DAY_MS);
  return findings.length > 0 ? findings : [ok(`for ${namesOf(leaf)}, ${days} days left`)];
}

function judgeTime(
  { check, nowMs, renew }: ChainQuestion,
  { validFrom, validTo }: X509Certificate,
): DoctorFinding[] {
  const { problem } = reportOf(check);
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  if (nowMs > toMs) return [problem('certificate-expired', `it has ended: ${validTo}`, renew)];
  if (nowMs < fromMs) {
    return [
      problem(
        'certificate-early',
        `it is not valid before ${validFrom}`,
        `See that the clock of this machine is right. ${renew}`,
      ),
    ];
  }
  if (toMs - nowMs > Math.min(SOON_MS, (toMs - fromMs) / 3)) return [];
  const days = Math.floor((toMs - nowMs) / DAY_MS);
  return [problem('certificate-ends', `it ends in ${days} days: ${validTo}`, renew)];
}

/** Follows the issuers up to one that browsers know. */
function judgeIssuers(
  { check, chain, roots, renew }: ChainQuestion,
  leaf: X509Certificate,
): DoctorFinding[] {
  const { problem } = reportOf(check);
  let current = leaf;
  for (let steps = 0; steps < LONGEST_CHAIN; steps += 1) {
    if (roots.some((root) => issued(root, current))) return [];
    if (issued(current, current)) {
      const what = current === leaf ? 'it is signed by itself' : `it is of ${nameOf(current)}`;
      return [
        problem(
          'certificate-untrusted',
          `${what}, which no browser knows`,
          `Only for tests, or where all clients are told to trust it. ${renew}`,
        ),
      ];
    }
    const issuer = chain.find((each) => each !== current && issued(each, current));
    if (issuer === undefined) break;
    current = issuer;
  }
  return [
    problem(
      'certificate-chain',
      `who has issued it is missing: ${current.issuer.split('\n').join(', ')}`,
      `Put the certificates in between behind it, as the authority gives them (fullchain.pem). ${renew}`,
    ),
  ];
}

const issued = (issuer: X509Certificate, subject: X509Certificate): boolean =>
  subject.checkIssued(issuer) && subject.verify(issuer.publicKey);

const isFor = (leaf: X509Certificate, domain: string): boolean =>
  (isIP(domain) === 0 ? leaf.checkHost(domain) : leaf.checkIP(domain)) !== undefined;

const nameOf = ({ subject }: X509Certificate): string => subject.split('\n').join(', ');

const namesOf = (leaf: X509Certificate): string =>
  leaf.subjectAltName?.replaceAll(/(?:DNS|IP Address):/g, '') ?? nameOf(leaf);

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** @returns those that can be read, in their order */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  return [...pem.matchAll(PEM)].flatMap(([text]) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/** @returns undefined where there is no private key in it that can be read */
export function keyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
