import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import {
  authorityMustBe,
  type DomainConfig,
  nameMustBe,
  nameMustBeIn,
  needsMachine,
  type TlsEnd,
} from './private/domain-config';
import type { Problems } from './private/validation';

/** Options of a domain in Route 53. */
export interface Route53DomainOptions {
  /**
   * The certificate of the load balancer, in the region of the stack.
   *
   * @default - a public one of ACM, validated by a record in the zone; it costs nothing. Without a
   * load balancer the machine gets one from Let's Encrypt
   */
  readonly certificate?: acm.ICertificate;

  /**
   * The address that Let's Encrypt writes to, where a machine gets its certificate from there.
   *
   * @default - none
   */
  readonly email?: string;

  /**
   * Directory of another authority that speaks ACME, where a machine gets its certificate from there;
   * for tests `https://acme-staging-v02.api.letsencrypt.org/directory`.
   *
   * @default - of Let's Encrypt
   */
  readonly directoryUrl?: string;
}

/** Options of a domain that has a certificate already. */
export interface CertificateDomainOptions {
  /**
   * The hosted zone that the record of the domain is put into.
   *
   * @default - none: point the name to the cluster yourself; its outputs say where to
   */
  readonly zone?: route53.IHostedZone;
}

/** Options of a domain whose certificate is from Let's Encrypt. */
export interface LetsEncryptDomainOptions {
  /**
   * The hosted zone that the record of the domain is put into. The deployment succeeds only when the
   * machine has its certificate then.
   *
   * @default - none: point the name to the cluster yourself; its outputs say where to. There is no
   * certificate, and no call, before the name does, and the deployment does not wait for it
   */
  readonly zone?: route53.IHostedZone;

  /**
   * The address that Let's Encrypt writes to.
   *
   * @default - none
   */
  readonly email?: string;

  /**
   * Directory of another authority that speaks ACME; for tests
   * `https://acme-staging-v02.api.letsencrypt.org/directory`, whose certificates nobody trusts, and
   * whose limits are higher.
   *
   * @default - of Let's Encrypt: five certificates a week for one name
   */
  readonly directoryUrl?: string;
}

/** The name that clients know the cluster by, and where its certificate is from. */
export abstract class Domain {
  /**
   * A name in a hosted zone of Route 53: the record and the certificate come by themselves. Without a
   * load balancer the certificate is from Let's Encrypt, as with `Domain.letsEncrypt()`.
   *
   * @param domainName - such as `meet.example.com`
   * @param zone - `example.com`, and delegated: the certificate waits for it
   */
  static route53(
    domainName: string,
    zone: route53.IHostedZone,
    options: Route53DomainOptions = {},
  ): Domain {
    return new Route53Domain(domainName, zone, options);
  }

  /**
   * A name with a certificate of ACM, in the region of the stack: for a load balancer, as ACM keeps
   * the key to itself.
   */
  static certificate(
    domainName: string,
    certificate: acm.ICertificate,
    options: CertificateDomainOptions = {},
  ): Domain {
    return new CertificateDomain(domainName, certificate, options);
  }

  /**
   * A name with a certificate of your own, for a machine with no load balancer before it.
   *
   * @param certificate - PEM: the certificate, its chain, its private key. It is read at boot
   */
  static ownCertificate(
    domainName: string,
    certificate: sm.ISecret,
    options: CertificateDomainOptions = {},
  ): Domain {
    return new OwnCertificateDomain(domainName, certificate, options);
  }

  /**
   * A name whose certificate a machine gets from Let's Encrypt, with no load balancer before it, and
   * renews. By using this you agree to its subscriber agreement (https://letsencrypt.org/repository).
   */
  static letsEncrypt(domainName: string, options: LetsEncryptDomainOptions = {}): Domain {
    return new LetsEncryptDomain(domainName, options);
  }

  /**
   * No name, no certificate: plain HTTP. Browsers give no camera to such pages: it is for tests, and
   * for what is behind a proxy of yours that ends TLS.
   */
  static none(): Domain {
    return new NoDomain();
  }

  /**
   * The name that clients use.
   *
   * @default - none: clients use the name of the load balancer, or the address of the machine
   */
  abstract readonly domainName?: string;

  /**
   * Whether only a machine can have its certificate, and no load balancer.
   *
   * @internal
   */
  get _needsMachine(): boolean {
    return false;
  }

  /**
   * What there is to wire. Resources it needs are made below `scope`.
   *
   * @internal
   */
  abstract _bind(scope: Construct, tls: TlsEnd, problems: Problems): DomainConfig;
}

class Route53Domain extends Domain {
  constructor(
    override readonly domainName: string,
    private readonly zone: route53.IHostedZone,
    private readonly options: Route53DomainOptions,
  ) {
    super();
  }

  override _bind(scope: Construct, tls: TlsEnd, problems: Problems): DomainConfig {
    const { domainName, zone } = this;
    const { certificate, email, directoryUrl } = this.options;
    nameMustBe(domainName, problems);
    nameMustBeIn(domainName, zone, problems);
    if (tls === 'machine') {
      authorityMustBe(email, directoryUrl, problems);
      problems.check(certificate === undefined, {
        what: 'domain',
        given: 'a certificate of ACM, and no load balancer',
        allowed: "certificates that a machine can have: from Let's Encrypt, or your own",
        fix: 'leave out certificate, or use Domain.ownCertificate(), or a load balancer',
      });
      return { domainName, zone, tls: 'machine', letsEncrypt: { email, directoryUrl } };
    }
    return {
      domainName,
      zone,
      tls: 'balancer',
      certificate:
        certificate ??
        new acm.Certificate(scope, 'Certificate', {
          domainName,
          validation: acm.CertificateValidation.fromDns(zone),
        }),
    };
  }
}

class CertificateDomain extends Domain {
  constructor(
    override readonly domainName: string,
    private readonly certificate: acm.ICertificate,
    private readonly options: CertificateDomainOptions,
  ) {
    super();
  }

  override _bind(_scope: Construct, tls: TlsEnd, problems: Problems): DomainConfig {
    const { domainName, certificate } = this;
    nameMustBe(domainName, problems);
    nameMustBeIn(domainName, this.options.zone, problems);
    problems.check(tls === 'balancer', {
      what: 'domain',
      given: 'Domain.certificate() and no load balancer',
      allowed: 'certificates that a machine can have, as ACM keeps their keys to itself',
      fix: 'use Domain.letsEncrypt() or Domain.ownCertificate(), or a load balancer',
    });
    return { domainName, zone: this.options.zone, tls: 'balancer', certificate };
  }
}

class OwnCertificateDomain extends Domain {
  constructor(
    override readonly domainName: string,
    private readonly certificate: sm.ISecret,
    private readonly options: CertificateDomainOptions,
  ) {
    super();
  }

  override get _needsMachine(): boolean {
    return true;
  }

  override _bind(_scope: Construct, tls: TlsEnd, problems: Problems): DomainConfig {
    const { domainName, certificate } = this;
    nameMustBe(domainName, problems);
    nameMustBeIn(domainName, this.options.zone, problems);
    problems.check(tls === 'machine', needsMachine('Domain.ownCertificate()'));
    return {
      domainName,
      zone: this.options.zone,
      tls: 'machine',
      certificateSecret: certificate,
    };
  }
}

class LetsEncryptDomain extends Domain {
  constructor(
    override readonly domainName: string,
    private readonly options: LetsEncryptDomainOptions,
  ) {
    super();
  }

  override get _needsMachine(): boolean {
    return true;
  }

  override _bind(_scope: Construct, tls: TlsEnd, problems: Problems): DomainConfig {
    const { domainName } = this;
    const { zone, email, directoryUrl } = this.options;
    nameMustBe(domainName, problems);
    nameMustBeIn(domainName, zone, problems);
    authorityMustBe(email, directoryUrl, problems);
    problems.check(tls === 'machine', needsMachine('Domain.letsEncrypt()'));
    return { domainName, zone, tls: 'machine', letsEncrypt: { email, directoryUrl } };
  }
}

class NoDomain extends Domain {
  override readonly domainName = undefined;

  override _bind(): DomainConfig {
    return { tls: 'none' };
  }
}
