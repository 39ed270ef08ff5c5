import { Domain } from '../domain';
import type { Problems } from '../private/validation';
import type { StackConfig } from './stack-config';
import { storedSecretOf } from './stored-secret';

/** Without a name they would do nothing, and nobody would be told. */
const OF_NAMES = [
  'dnsZone',
  'dnsZoneResourceGroup',
  'letsEncryptTermsAgreed',
  'letsEncryptEmail',
] as const;

/** The name that clients use, and where its certificate is from, by the configuration of the stack. */
export function programDomain(config: StackConfig, problems: Problems): Domain {
  const domainName = config.text('domainName');
  const pem = config.secret('certificatePem');
  const keys = { vaultId: 'certificateVaultId', name: 'certificateName' };
  const certificate = storedSecretOf(config, keys, problems);
  problems.atMostOne({
    'sluice:certificatePem': pem,
    'sluice:certificateVaultId': certificate,
  });
  if (domainName === undefined) {
    const ofNames = OF_NAMES.filter((key) => config.text(key) !== undefined);
    const hasOne = pem !== undefined || certificate !== undefined;
    const without = [
      ...(hasOne ? ['a certificate'] : []),
      ...ofNames.map((key) => `sluice:${key}`),
    ];
    problems.check(without.length === 0, {
      what: 'sluice:domainName',
      given: `none, and ${without.join(', ')}`,
      allowed: 'the name that it is for',
      fix: 'give it by `pulumi config set sluice:domainName`, or take the others back by `pulumi config rm`',
    });
    return Domain.none();
  }
  const zoneName = config.text('dnsZone');
  const resourceGroupName = config.text('dnsZoneResourceGroup');
  const zone = zoneName === undefined ? undefined : { zoneName, resourceGroupName };
  if (certificate !== undefined) return Domain.certificate(domainName, certificate, { zone });
  if (pem !== undefined) return Domain.ownCertificate(domainName, pem, { zone });
  return Domain.letsEncrypt(domainName, {
    zone,
    termsAgreed: config.flag('letsEncryptTermsAgreed') ?? false,
    email: config.text('letsEncryptEmail'),
  });
}
