import * as dns from '@pulumi/azure-native/dns';
import * as pulumi from '@pulumi/pulumi';
import type { DnsZoneArgs } from '../domain';
import type { StoredSecret } from '../stored-secret';
import { type Problems, sentence } from './validation';

/** A certificate that machines order by themselves: `entry.lets_encrypt` of boot.json. */
export interface LetsEncryptOrder {
  readonly domain: string;
  readonly email?: string;
  readonly terms_agreed: true;
  /** Whether a machine without it has failed. */
  readonly awaited: boolean;
}

/** What a domain means for whatever serves it. */
export interface DomainConfig {
  /** Undefined: there is no name. */
  readonly domainName?: string;
  /** Whether the machines end TLS. */
  readonly tls: boolean;
  /** Of the machines: PEM of the certificate, its chain and its private key. */
  readonly certificate?: StoredSecret;
  /** The same, to be put into the vault. */
  readonly pem?: pulumi.Input<string>;
  /** The machines get their certificate from Let's Encrypt: 80 must be open. */
  readonly letsEncrypt?: LetsEncryptOrder;
  /** Where the record belongs; undefined: somebody else makes it. */
  readonly zone?: DnsZoneArgs;
}

/** How long resolvers keep the address, seconds. */
const TTL = 60;

/** Points the name to the address, where the domain has a zone. */
export function addRecord(
  name: string,
  { domainName, zone }: DomainConfig,
  target: { address: pulumi.Input<string>; resourceGroupName: pulumi.Input<string> },
  parent: pulumi.Resource,
): dns.RecordSet | undefined {
  if (domainName === undefined || zone === undefined) return undefined;
  return new dns.RecordSet(
    `${name}-record`,
    {
      resourceGroupName: zone.resourceGroupName ?? target.resourceGroupName,
      zoneName: zone.zoneName,
      recordType: 'A',
      relativeRecordSetName: pulumi
        .output(zone.zoneName)
        .apply((zoneName) => relativeName(domainName, zoneName)),
      ttl: TTL,
      aRecords: [{ ipv4Address: target.address }],
    },
    // The name stays: Azure has one record of it.
    { parent, deleteBeforeReplace: true },
  );
}

/**
 * The name within its zone; `@` for the zone itself.
 *
 * @throws RunError where it is not in the zone.
 */
export function relativeName(domainName: string, zoneName: string): string {
  const name = domainName.toLowerCase();
  const zone = zoneName.replace(/\.$/, '').toLowerCase();
  if (name === zone) return '@';
  if (name.endsWith(`.${zone}`)) return name.slice(0, -zone.length - 1);
  throw new pulumi.RunError(
    sentence({
      what: 'domain and zone',
      given: `${name} in the zone ${zone}`,
      allowed: `${zone}, or names that end with .${zone}`,
      fix: 'give the zone that the name belongs to, or another name',
    }),
  );
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
  problems.check(domainName !== undefined, {
    what: 'domain',
    given: 'no name',
    allowed: 'a host name such as meet.example.com',
    fix: 'give the name, or use Domain.none()',
  });
}
