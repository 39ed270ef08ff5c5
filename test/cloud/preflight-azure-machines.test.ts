import { describe, it } from 'node:test';
import { type Case, PATHS, SKUS, scaleSet, sku, tells, usage } from './preflight-azure-world';

const withSku = (
  name: string,
  ...rest: Parameters<typeof sku> extends [string, ...infer R] ? R : never
) => ({
  [PATHS.skus]: SKUS.map((each) => (each.name === name ? sku(name, ...rest) : each)),
});
const cores = (...usages: readonly object[]) => ({ [PATHS.cores]: usages });

const SIZES: readonly Case[] = [
  {
    name: 'a size that the region does not have',
    question: { masterVmSize: 'Standard_Z2s_v9' },
    check: 'Master Node size',
    found: /^the region has no Standard_Z2s_v9$/,
    todo: /another size \(vmSize\), or another region: az vm list-skus/,
  },
  {
    name: 'a size that the subscription may not make',
    answers: withSku('Standard_F4s_v2', 4, {
      restrictions: [{ type: 'Location', reasonCode: 'NotAvailableForSubscription' }],
    }),
    check: 'Media Node size',
    found: /may not make Standard_F4s_v2 in the region: NotAvailableForSubscription/,
    todo: /Help \+ support/,
  },
  {
    name: 'a size that is not in a zone',
    answers: withSku('Standard_F4s_v2', 4, { zones: ['1', '2'] }),
    check: 'Media Node size',
    found: /^Standard_F4s_v2: not in zone 3 of the region, but in 1, 2$/,
    todo: /zones: \['1', '2'\] \(--zone here\)/,
  },
  {
    name: 'a size whose zone the subscription may not use',
    answers: withSku('Standard_F2s_v2', 2, {
      restrictions: [{ type: 'Zone', restrictionInfo: { zones: ['2'] } }],
    }),
    check: 'Master Node size',
    found: /not in zone 2 of the region, but in 1, 3$/,
    todo: /\['1', '3'\]/,
  },
  {
    name: 'a region without zones',
    question: { masters: 1, loadBalancer: undefined },
    answers: {
      [PATHS.skus]: [sku('Standard_F2s_v2', 2), sku('Standard_F4s_v2', 4, { zones: [] })],
    },
    check: 'Media Node size',
    found: /not in zone 1, 2, 3 of the region, but in none$/,
    todo: /zones: \[\] \(--no-zones here\)/,
  },
  {
    name: 'a size that earns its CPU over hours',
    question: { vmSize: 'Standard_B4s' },
    check: 'Media Node size',
    status: 'warning',
    found: /^Standard_B4s earns its CPU/,
    todo: /Standard_F4s_v2/,
  },
  {
    name: 'a size that boots no images of the second generation',
    answers: withSku('Standard_F4s_v2', 4, { capabilities: { HyperVGenerations: 'V1' } }),
    check: 'Media Node size',
    found: /boots no images of generation 2/,
    todo: /another size/,
  },
  {
    name: 'a size without Premium SSD',
    answers: withSku('Standard_F2s_v2', 2, { capabilities: { PremiumIO: 'False' } }),
    check: 'Master Node size',
    found: /takes no Premium SSD/,
    todo: /another size/,
  },
  {
    name: 'a size that cannot be spot',
    question: { spot: true },
    answers: withSku('Standard_F4s_v2', 4, { capabilities: { LowPriorityCapable: 'False' } }),
    check: 'Media Node size',
    found: /is never a spot machine/,
    todo: /Leave out spot/,
  },
  {
    name: 'a size that cannot encrypt at its host',
    answers: withSku('Standard_F4s_v2', 4, {
      capabilities: { EncryptionAtHostSupported: 'False' },
    }),
    check: 'Media Node size',
    found: /cannot encrypt at the host/,
    todo: /Leave out encryptionAtHost/,
  },
];

const QUOTAS: readonly Case[] = [
  {
    name: 'too few cores of the family, next to what runs already',
    answers: cores(usage('cores', 100), usage('standardFSv2Family', 25, 8)),
    check: 'Cores of standardFSv2Family',
    found: /^22 needed at most, the quota standardFSv2Family is 25, 8 in use$/,
    todo: /^Ask for 30 of standardFSv2Family.*--max-media-nodes, --vm-size/,
  },
  {
    name: 'too few cores of the region',
    answers: cores(usage('cores', 20), usage('standardFSv2Family', 50)),
    check: 'Cores of the region',
    found: /^22 needed at most, the quota cores is 20/,
    todo: /Ask for 22 of cores/,
  },
  {
    name: 'too few cores of spot',
    question: { spot: true },
    answers: cores(
      usage('cores', 6),
      usage('standardFSv2Family', 6),
      usage('lowPriorityCores', 12),
    ),
    check: 'Cores, spot',
    found: /^16 needed at most, the quota lowPriorityCores is 12/,
    todo: /Ask for 16/,
  },
  {
    name: 'too few public addresses',
    question: { publicAddress: undefined, loadBalancer: undefined },
    answers: { [PATHS.addresses]: [usage('StandardSkuPublicIpAddresses', 10, 6)] },
    check: 'Public addresses',
    found: /^5 needed at most, the quota StandardSkuPublicIpAddresses is 10, 6 in use$/,
    todo: /Ask for 11/,
  },
];

const SETS: readonly Case[] = [
  {
    name: 'a set of the other orchestration mode',
    answers: { [PATHS.set]: scaleSet({ orchestrationMode: 'Uniform' }) },
    check: 'Scale set',
    found: /mode is Uniform, which cannot be changed; it has to be Flexible/,
    todo: /a set of its own, drain this one/,
  },
  {
    name: 'a set with an identity of the system',
    answers: { [PATHS.set]: scaleSet({}, 'SystemAssigned, UserAssigned') },
    check: 'Scale set',
    found: /identity of the kind SystemAssigned, UserAssigned/,
    todo: /user-assigned identity/,
  },
  {
    name: 'a set that Azure upgrades',
    answers: { [PATHS.set]: scaleSet({ upgradePolicy: { mode: 'Automatic' } }) },
    check: 'Scale set',
    found: /upgrade policy is Automatic/,
    todo: /upgradePolicy\.mode=Manual/,
  },
  {
    name: 'a set that says nothing before it deletes',
    answers: { [PATHS.set]: scaleSet({ virtualMachineProfile: {} }) },
    check: 'Scale set',
    status: 'warning',
    found: /says nothing before a machine is deleted/,
    todo: /--enable-terminate-notification true/,
  },
  {
    name: 'a set that an autoscale setting sizes too',
    answers: {
      [PATHS.autoscale]: [
        { name: 'off', properties: { enabled: false, targetResourceUri: PATHS.set } },
        { name: 'cpu', properties: { targetResourceUri: PATHS.set.toUpperCase() } },
      ],
    },
    check: 'Scale set',
    found: /^the autoscale setting cpu sizes it too/,
    todo: /az monitor autoscale delete --name cpu$/,
  },
  {
    name: 'an identity that is not user-assigned',
    question: { identities: [PATHS.set] },
    check: 'Identities',
    found: /is no user-assigned identity/,
    todo: /az identity create/,
  },
  {
    name: 'an identity that is not there',
    question: { identities: [PATHS.identity, `${PATHS.identity}s`] },
    check: 'Identities',
    found: /^there is no .*\/nodes$/,
    todo: /az identity create/,
  },
];

describe('sluice preflight azure tells of', () => {
  for (const one of [...SIZES, ...QUOTAS, ...SETS]) {
    it(one.name, () => tells(one));
  }
});
