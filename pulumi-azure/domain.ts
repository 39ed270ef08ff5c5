import type * as pulumi from '@pulumi/pulumi';
import { type DomainConfig, nameMustBe } from './private/domain-config';
import type { Problems } from './private/validation';
import type { StoredSecret } from './stored-secret';

/** A public zone of Azure DNS that the record of a domain is put into. */
export interface DnsZoneArgs {
  /** Its name, such as `example.com`. */
  readonly zoneName: pulumi.Input<string>;

  /**
   * The resource group that it is in.
   *
   * @default - that of the cluster
   */
  readonly resourceGroupName?: pulumi.Input<string>;
}

/** Options of a domain in a zone of Azure DNS. */
export interface DnsZoneDomainOptions {
  /**
   * The resource group that the zone is in.
   *
   * @default - that of the cluster
   */
  readonly zoneResourceGroupName?: pulumi.Input<string>;

  /**
   * The certificate of the machines.
   *
   * @default - from Let's Encrypt, at no cost
   */
  readonly certificate?: StoredSecret;

  /**
   * That you agree to the terms of service of Let's Encrypt (letsencrypt.org/repository). Needed without
   * `certificate`.
   *
   * @default false
   */
  readonly termsAgreed?: boolean;

  /**
   * The address that Let's Encrypt writes to.
   *
   * @default - none
   */
  readonly email?: string;
}

/** Options of a domain that has a certificate already. */
export interface CertificateDomainOptions {
  /**
   * The zone that the record of the domain is put into.
   *
   * @default - none: point the name to the cluster yourself; its outputs say where to
   */
  readonly zone?: DnsZoneArgs;
}

/** Options of a domain whose certificate is from Let's Encrypt. */
export interface LetsEncryptDomainOptions extends CertificateDomainOptions {
  /** That you agree to the terms of service of Let's Encrypt (letsencrypt.org/repository). */
  readonly termsAgreed: boolean;

  /**
   * The address that Let's Encrypt writes to.
   *
   * @default - none
   */
  readonly email?: string;
}

/** The name that clients know the cluster by, and where its certificate is from. */
export abstract class Domain {
  /**
   * A name in a zone of Azure DNS: the record and the certificate come by themselves.
   *
   * @param domainName - such as `meet.example.com`
   * @param zoneName - `example.com`, and delegated: Let's Encrypt asks for it
   */
  static dnsZone(
    domainName: string,
    zoneName: pulumi.Input<string>,
    options: DnsZoneDomainOptions = {},
  ): Domain {
    const { zoneResourceGroupName: resourceGroupName, ...rest } = options;
    const zone = { zoneName, resourceGroupName };
    return new NamedDomain(domainName, { zone, ...rest });
  }

  /**
   * A name with a certificate of Key Vault, kept as PEM (content type `application/x-pem-file`).
   * Machines read it at boot: a new one is taken by machines that boot after it.
   */
  static certificate(
    domainName: string,
    certificate: StoredSecret,
    options: CertificateDomainOptions = {},
  ): Domain {
    return new NamedDomain(domainName, { certificate, ...options });
  }

  /**
   * A name with a certificate of your own, which is put into the Key Vault of the cluster.
   *
   * @param pem - the certificate, its chain, its private key
   */
  static ownCertificate(
    domainName: string,
    pem: pulumi.Input<string>,
    options: CertificateDomainOptions = {},
  ): Domain {
    return new NamedDomain(domainName, { pem, ...options });
  }

  /** A name whose certificate the machines get from Let's Encrypt. */
  static letsEncrypt(domainName: string, options: LetsEncryptDomainOptions): Domain {
    return new NamedDomain(domainName, options);
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
   * @default - none: clients use the address of the cluster
   */
  abstract readonly domainName?: string;

  /** @internal */
  abstract _bind(problems: Problems): DomainConfig;
}

interface Certified {
  readonly zone?: DnsZoneArgs;
  readonly certificate?: StoredSecret;
  readonly pem?: pulumi.Input<string>;
  readonly email?: string;
  readonly termsAgreed?: boolean;
}

class NamedDomain extends Domain {
  constructor(
    override readonly domainName: string,
    private readonly how: Certified,
  ) {
    super();
  }

  override _bind(problems: Problems): DomainConfig {
    const { domainName } = this;
    const { zone, certificate, pem, email, termsAgreed } = this.how;
    nameMustBe(domainName, problems);
    problems.matches('email', email, /^[^\s@]+@[^\s@]+$/, 'an address such as ops@example.com');
    problems.check(certificate === undefined || email === undefined, {
      what: 'domain',
      given: "a certificate, and an email for Let's Encrypt",
      allowed: 'one of them',
      fix: 'leave out email, or certificate',
    });
    const own = certificate !== undefined || pem !== undefined;
    problems.check(own || termsAgreed === true, {
      what: 'domain',
      given: "a certificate of Let's Encrypt, and termsAgreed that is not true",
      allowed:
        'termsAgreed: true, once you have read the terms of service (letsencrypt.org/repository)',
      fix: 'give termsAgreed, or a certificate of yours',
    });
    return {
      domainName,
      tls: true,
      zone,
      certificate,
      pem,
      ...(!own && {
        letsEncrypt: {
          domain: domainName,
          ...(email !== undefined && { email }),
          terms_agreed: true,
          // A name that somebody else points here can only be pointed once the address is known.
          awaited: zone !== undefined,
        },
      }),
    };
  }
}

class NoDomain extends Domain {
  override readonly domainName = undefined;

  override _bind(): DomainConfig {
    return { tls: false };
  }
}
