import { z } from 'zod';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import type { Check } from './context';

const TITLE = 'Key Vault';
const API = '2023-07-01';
const VAULT = z.object({
  properties: z.object({
    enableRbacAuthorization: z.boolean().default(false),
    publicNetworkAccess: z.string().default('Enabled'),
    networkAcls: z.object({ defaultAction: z.string().optional() }).optional(),
  }),
});
const DELETED = z.object({
  name: z.string(),
  properties: z.object({
    location: z.string(),
    scheduledPurgeDate: z.string().optional(),
    purgeProtectionEnabled: z.boolean().default(false),
  }),
});

/** Source: REST reference, "Vaults - Get", "Vaults - List Deleted". */
export const checkVault: Check = async ({ question, arm, root }) => {
  const { ok, failed, warning } = findingsOf(TITLE);
  const id = question.vault;
  if (id === undefined) {
    return [ok('the deployment makes one, by a name that no deleted one has')];
  }
  const name = id.split('/').at(-1) ?? '';
  const asked = await ask(() => arm.find(VAULT, id, API));
  if (!('answer' in asked)) return [uncheckedBy(TITLE, asked, 'Microsoft.KeyVault/vaults/read')];
  if (asked.answer === undefined) {
    const path = `${root}/providers/Microsoft.KeyVault/deletedVaults`;
    const deleted = await ask(() => arm.list(DELETED, path, API));
    if (!('answer' in deleted)) {
      return [uncheckedBy(TITLE, deleted, 'Microsoft.KeyVault/deletedVaults/read')];
    }
    const one = deleted.answer.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (one === undefined) {
      return [failed(`there is no ${id}`, 'See its id: az keyvault list --query "[].id"')];
    }
    const { location, scheduledPurgeDate, purgeProtectionEnabled } = one.properties;
    const until = scheduledPurgeDate === undefined ? '' : ` until ${scheduledPurgeDate}`;
    return [
      failed(
        `${name} was deleted, and its name is kept${until}`,
        `Bring it back: az keyvault recover --name ${name} --location ${location}${
          purgeProtectionEnabled
            ? '; it cannot be purged before'
            : `; or give the name free for good: az keyvault purge --name ${name} --location ${location}`
        }`,
      ),
    ];
  }
  const { enableRbacAuthorization, publicNetworkAccess, networkAcls } = asked.answer.properties;
  const findings: Finding[] = [];
  if (!enableRbacAuthorization) {
    findings.push(
      failed(
        `${name} goes by access policies, and machines are given roles`,
        `Change it, once those who use it have roles: az keyvault update --name ${name} --enable-rbac-authorization true`,
      ),
    );
  }
  if (publicNetworkAccess === 'Disabled' || networkAcls?.defaultAction === 'Deny') {
    findings.push(
      warning(
        `${name} is not open to all networks`,
        'Machines read it at boot: let in the subnets of the cluster, by a service endpoint or a private endpoint.',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`${name}, by roles`)];
};
