import { z } from 'zod';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import type { Check } from './context';
import type { PreflightQuestion } from './question';

const ROLES = 'Rights to write roles';
const DEPLOY = 'Rights to deploy';
/** What somebody may do somewhere. Source: REST reference, "Permissions - List". */
const PERMISSION = z.object({
  actions: z.array(z.string()).default([]),
  notActions: z.array(z.string()).default([]),
});
type Permission = z.infer<typeof PERMISSION>;

export const checkRights: Check = async ({ question, arm, root }) => {
  const { resourceGroup, mediaResourceGroup, dnsZone, dnsZoneResourceGroup } = question;
  const groups = [
    resourceGroup,
    ...(question.masters === 0 ? [] : [mediaResourceGroup ?? resourceGroup]),
  ];
  // A group that the deployment makes has the rights of the subscription.
  const scopes = groups.map((name) => (name === undefined ? root : groupPath(root, name)));
  const wanted = [...new Set(scopes)].map((scope) => ({
    scope,
    roles: rolesOf(question),
    deploy: [
      ...DEPLOYING,
      ...(question.masters > 1 ? ['Microsoft.Cache/redisEnterprise/write'] : []),
      ...(scope === root ? ['Microsoft.Resources/subscriptions/resourceGroups/write'] : []),
    ],
  }));
  if (dnsZone !== undefined && dnsZoneResourceGroup !== undefined) {
    const scope = groupPath(root, dnsZoneResourceGroup);
    wanted.push({ scope, roles: [], deploy: ['Microsoft.Network/dnsZones/A/write'] });
  }
  const findings = wanted.map(async ({ scope, roles, deploy }) => {
    const path = `${scope}/providers/Microsoft.Authorization/permissions`;
    const asked = await ask(() => arm.list(PERMISSION, path, '2022-04-01'));
    if (!('answer' in asked)) {
      return [DEPLOY, ROLES].map((title) =>
        uncheckedBy(title, asked, 'Microsoft.Authorization/permissions/read'),
      );
    }
    const permissions = asked.answer;
    return [
      judgeRights(DEPLOY, { scope, actions: deploy, permissions }, 'Contributor'),
      ...(roles.length === 0
        ? []
        : [
            judgeRights(ROLES, { scope, actions: roles, permissions }, 'User Access Administrator'),
          ]),
    ];
  });
  return (await Promise.all(findings)).flat();
};

const groupPath = (root: string, name: string): string => `${root}/resourceGroups/${name}`;

const DEPLOYING = [
  'Microsoft.Compute/virtualMachineScaleSets/write',
  'Microsoft.Compute/virtualMachines/write',
  'Microsoft.Network/virtualNetworks/write',
  'Microsoft.Network/networkSecurityGroups/write',
  'Microsoft.Network/publicIPAddresses/write',
  'Microsoft.KeyVault/vaults/write',
  'Microsoft.KeyVault/vaults/secrets/write',
  'Microsoft.ManagedIdentity/userAssignedIdentities/write',
  'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
  'Microsoft.Storage/storageAccounts/write',
];

/** The controller's role is one of its own; a Single Node takes roles that Azure has. */
const rolesOf = ({ masters }: PreflightQuestion): readonly string[] => [
  'Microsoft.Authorization/roleAssignments/write',
  ...(masters === 0 ? [] : ['Microsoft.Authorization/roleDefinitions/write']),
];

function judgeRights(
  title: string,
  facts: {
    readonly scope: string;
    readonly actions: readonly string[];
    readonly permissions: readonly Permission[];
  },
  role: string,
): Finding {
  const { scope, actions, permissions } = facts;
  const { ok, failed } = findingsOf(title);
  const missing = actions.filter((action) => !isAllowed(action, permissions));
  const name = scope.split('/').slice(-2).join(' ');
  if (missing.length === 0) return ok(`on ${name}`);
  return failed(
    `on ${name} you may not ${missing.join(', ')}`,
    `Have somebody give you the role ${role} (or Owner) there: az role assignment create --role "${role}" --scope ${scope} --assignee YOU`,
  );
}

/** Source: "Understand Azure role definitions": what an entry takes away, another may still give. */
export function isAllowed(action: string, permissions: readonly Permission[]): boolean {
  return permissions.some(({ actions, notActions }) => {
    const has = (patterns: readonly string[]) => patterns.some((each) => matches(each, action));
    return has(actions) && !has(notActions);
  });
}

function matches(pattern: string, action: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.\\^$|()[\]{}+?]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(action);
}
