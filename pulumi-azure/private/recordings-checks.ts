import type * as pulumi from '@pulumi/pulumi';
import { asJson } from '../../node-image/contract';
import type { RecordingsOptions } from '../recordings-store';
import { checkedText, type Problems } from './validation';

const CONTAINER_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Storage\/storageAccounts\/([a-z0-9]{3,24})\/blobServices\/default\/containers\/([a-z0-9][a-z0-9-]{1,61}[a-z0-9])$/i;

const VAULT_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)$/i;

/** What is wrong with a store of recordings. */
export function checkRecordings(options: RecordingsOptions, problems: Problems): void {
  const { retentionDays, softDeleteDays, redundancy, retain, encryptionKey } = options;
  problems.integer('recordings.retentionDays', retentionDays, {
    min: 1,
    max: 36_500,
    fix: 'leave it out, and recordings are kept for ever',
  });
  problems.integer('recordings.softDeleteDays', softDeleteDays, { min: 1, max: 365 });
  problems.oneOf('recordings.redundancy', redundancy, ['LRS', 'ZRS', 'GRS', 'GZRS']);
  problems.check(retain === undefined || typeof retain === 'boolean', {
    what: 'recordings.retain',
    given: asJson(retain),
    allowed: 'true or false',
    fix: 'give recordings.retain that, or leave it out',
  });
  problems.matches(
    'recordings.encryptionKey.keyName',
    encryptionKey?.keyName,
    /^[A-Za-z0-9-]{1,127}$/,
    'the name of a key: letters, digits and hyphens',
  );
}

/** A container by its id, refused in preview where it is of something else. */
export const containerIdOf = (given: pulumi.Input<string>): pulumi.Output<string> =>
  checkedText(
    'recordings.containerId',
    given,
    CONTAINER_ID,
    'the id of a container, /subscriptions/…/storageAccounts/NAME/blobServices/default/containers/NAME',
  );

/** A name in the id of a container. */
export const containerPart = (
  containerId: pulumi.Output<string>,
  part: 'account' | 'container',
): pulumi.Output<string> =>
  containerId.apply((id) => CONTAINER_ID.exec(id)?.[part === 'account' ? 1 : 2] ?? '');

/** Where a vault answers. */
export const keyVaultUriOf = (vaultId: pulumi.Input<string>): pulumi.Output<string> =>
  checkedText(
    'recordings.encryptionKey.vaultId',
    vaultId,
    VAULT_ID,
    'the id of a vault, /subscriptions/…/vaults/NAME',
  ).apply((id) => `https://${VAULT_ID.exec(id)?.[1]}.vault.azure.net`);
