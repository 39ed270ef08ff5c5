import { Duration, Token } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Problem, Problems } from './validation';

/** What ends TLS: a load balancer, or HAProxy on the machine itself. */
export type TlsEnd = 'balancer' | 'machine';

/** What a domain means for whatever serves it. */
export interface DomainConfig {
  /** Undefined: there is no name. */
  readonly domainName?: string | undefined;
  /** What ends TLS; `none`: nothing does, clients speak plain HTTP. */
  readonly tls: TlsEnd | 'none';
  /** Of the load balancer. */
  readonly certificate?: acm.ICertificate | undefined;
  /** Of the machine: PEM of the certificate, its chain and its private key. */
  readonly certificateSecret?: sm.ISecret | undefined;
  /** The machine gets its certificate from Let's Encrypt: 80 must be open. */
  readonly letsEncrypt?: LetsEncryptConfig | undefined;
  /** Where the record belongs; undefined: somebody else makes it. */
  readonly zone?: route53.IHostedZone | undefined;
}

/** How a machine orders its certificate. */
export interface LetsEncryptConfig {
  readonly email?: string | undefined;
  /** Of the authority; undefined: Let's Encrypt. */
  readonly directoryUrl?: string | undefined;
}

/** How long resolvers keep the address of a machine. It may move to another machine. */
const MACHINE_TTL = Duration.minutes(1);

/**
 * Points the name to a load balancer (an alias) or to addresses of machines, where it has a zone.
 *
 * @param ipv6 - an AAAA record too: for an alias the same target; for machines left out without.
 */
export function addRecords(
  scope: Construct,
  { domainName, zone }: DomainConfig,
  target: route53.RecordTarget,
  ipv6?: route53.RecordTarget,
): void {
  if (domainName === undefined || zone === undefined) return;
  // With the dot at its end it is taken as it is, whether or not the name of the zone is known.
  const recordName = `${domainName}.`;
  const ttl = target.aliasTarget === undefined ? MACHINE_TTL : undefined;
  new route53.ARecord(scope, 'Record', { zone, recordName, target, ttl });
  if (ipv6 === undefined) return;
  new route53.AaaaRecord(scope, 'RecordV6', { zone, recordName, target: ipv6, ttl });
}

/** `https://meet.example.com`. @param host - the name to use where the domain has none. */
export function urlOf({ domainName, tls }: DomainConfig, host: string): string {
  return `${tls === 'none' ? 'http' : 'https'}://${domainName ?? host}`;
}

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(${LABEL}\\.)+${LABEL}$`, 'i');

/** A name such as `meet.example.com`. */
export function nameMustBe(domainName: string, problems: Problems): void {
  problems.matches(
    'domain',
    domainName,
    HOST_NAME,
    'a host name such as meet.example.com, with no scheme, port, path or wildcard',
  );
}

/** A name in the zone that its record is put into. */
export function nameMustBeIn(
  domainName: string,
  zone: route53.IHostedZone | undefined,
  problems: Problems,
): void {
  if (zone === undefined || Token.isUnresolved(domainName)) return;
  const zoneName = zone.zoneName.replace(/\.$/, '').toLowerCase();
  if (Token.isUnresolved(zone.zoneName)) return;
  const name = domainName.toLowerCase();
  problems.check(name === zoneName || name.endsWith(`.${zoneName}`), {
    what: 'domain and zone',
    given: `${domainName} in the zone ${zoneName}`,
    allowed: `${zoneName}, or names that end with .${zoneName}`,
    fix: 'give the hosted zone that the name belongs to, or another name',
  });
}

/** What a machine tells the authority that it orders its certificate from, and where that is. */
export function authorityMustBe(
  email: string | undefined,
  directoryUrl: string | undefined,
  problems: Problems,
): void {
  problems.matches('email', email, /^[^\s@,?]+@[^\s@,?]+$/, 'an address such as ops@example.com');
  problems.matches(
    'directoryUrl',
    directoryUrl,
    /^https:\/\/[^\s/]+\/\S*$/,
    'an address with https such as https://acme-staging-v02.api.letsencrypt.org/directory',
  );
}

/** A certificate that only a machine can have, given to a load balancer. */
export function needsMachine(given: string): Problem {
  return {
    what: 'domain',
    given: `${given} and a load balancer`,
    allowed: 'certificates of ACM, which a load balancer can have',
    fix: 'use Domain.route53() or Domain.certificate(), or go without a load balancer',
  };
}
