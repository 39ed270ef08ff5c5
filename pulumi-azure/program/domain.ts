import type * as pulumi from '@pulumi/pulumi';
import { Domain } from '../domain';
import type { Problems } from '../private/validation';
import type { StoredSecret } from '../stored-secret';

const VAULT_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)$/i;

/** The name that clients use, and where its certificate is from, by the configuration of the stack. */
export function programDomain(config: pulumi.Config, problems: Problems): Domain {
  const domainName = config.get('domainName');
  const pem = config.getSecret('certificatePem');
  const certificate = certificateOf(config, problems);
  problems.atMostOne({
    'sluice:certificatePem': pem,
    'sluice:certificateVaultId': certificate,
  });
  if (domainName === undefined) {
    problems.check(pem === undefined && certificate === undefined, {
      what: 'sluice:domainName',
      given: 'none, and a certificate',
      allowed: 'the name that the certificate is for',
      fix: 'give it by `pulumi config set sluice:domainName`',
    });
    return Domain.none();
  }
  const zoneName = config.get('dnsZone');
  const resourceGroupName = config.get('dnsZoneResourceGroup');
  const zone = zoneName === undefined ? undefined : { zoneName, resourceGroupName };
  if (certificate !== undefined) return Domain.certificate(domainName, certificate, { zone });
  if (pem !== undefined) return Domain.ownCertificate(domainName, pem, { zone });
  return Domain.letsEncrypt(domainName, {
    zone,
    termsAgreed: config.getBoolean('letsEncryptTermsAgreed') ?? false,
    email: config.get('letsEncryptEmail'),
  });
}

/** A certificate that is in a Key Vault already. */
function certificateOf(config: pulumi.Config, problems: Problems): StoredSecret | undefined {
  const vaultId = config.get('certificateVaultId');
  const secretName = config.get('certificateName');
  problems.allOrNone({
    'sluice:certificateVaultId': vaultId,
    'sluice:certificateName': secretName,
  });
  problems.matches(
    'sluice:certificateVaultId',
    vaultId,
    VAULT_ID,
    'the id of a vault, /subscriptions/…/vaults/NAME',
  );
  if (vaultId === undefined || secretName === undefined) return undefined;
  const vaultUri = `https://${VAULT_ID.exec(vaultId)?.[1]}.vault.azure.net`;
  return { vaultId, vaultUri, secretName };
}
