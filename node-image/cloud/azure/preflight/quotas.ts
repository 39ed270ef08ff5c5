import { z } from 'zod';
import type { Asked } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import type { Check, PreflightContext } from './context';
import type { MachineSizes } from './machine-sizes';
import type { PreflightQuestion } from './question';

/** A quota of the region. Source: REST reference, "Usage - List" of Compute, "Usages - List" of Network. */
interface Usage {
  readonly used: number;
  readonly limit: number;
}

/** By the name of the quota in small letters. */
type Usages = ReadonlyMap<string, Usage>;

type Provider = 'Microsoft.Compute' | 'Microsoft.Network';

const APIS: Readonly<Record<Provider, string>> = {
  'Microsoft.Compute': '2024-07-01',
  'Microsoft.Network': '2024-05-01',
};
const USAGE = z.object({
  name: z.object({ value: z.string() }),
  currentValue: z.number(),
  limit: z.number(),
});

export const checkCoreQuotas: Check = async (context) => {
  const { question, sizes } = context;
  const needed = 'answer' in sizes ? neededCores(question, sizes.answer) : undefined;
  if (needed === undefined) {
    const why = 'which sizes the region has, and of how many cores, is not known';
    return [findingsOf('Cores').unchecked(why, 'Mend what is said of the sizes first.')];
  }
  const usages = await ask(() => usagesOf(context, 'Microsoft.Compute'));
  return [...needed].map(([quota, count]) => {
    const title = TITLES[quota] ?? `Cores of ${quota}`;
    return judgeQuota(title, 'Microsoft.Compute', { quota, needed: count, usages });
  });
};

export const checkAddressQuota: Check = async (context) => {
  const { masters, maxMediaNodes, publicAddress, loadBalancer } = context.question;
  const isEntryGiven = publicAddress !== undefined || loadBalancer !== undefined;
  // Each Media Node has one, and so has the entry; a Single Node is its own entry.
  const needed = (masters === 0 ? 0 : maxMediaNodes) + (isEntryGiven ? 0 : 1);
  const title = 'Public addresses';
  if (needed === 0) return [findingsOf(title).ok('none are needed')];
  const usages = await ask(() => usagesOf(context, 'Microsoft.Network'));
  const quota = 'StandardSkuPublicIpAddresses';
  return [judgeQuota(title, 'Microsoft.Network', { quota, needed, usages })];
};

const TITLES: Readonly<Record<string, string>> = {
  cores: 'Cores of the region',
  lowPriorityCores: 'Cores, spot',
};

/** @returns by quota; undefined where a size is not known */
export function neededCores(
  { vmSize, masterVmSize, maxMediaNodes, masters, spot }: PreflightQuestion,
  sizes: MachineSizes,
): ReadonlyMap<string, number> | undefined {
  const media = sizes.get(vmSize.toLowerCase());
  const master = sizes.get(masterVmSize.toLowerCase());
  if (media === undefined || (master === undefined && masters > 0)) return undefined;
  const needed = new Map<string, number>();
  const add = (quota: string, count: number): void => {
    if (count > 0) needed.set(quota, (needed.get(quota) ?? 0) + count);
  };
  const ofMasters = masters * (master?.vcpus ?? 0);
  const ofMedia = Math.max(1, maxMediaNodes) * media.vcpus;
  add(media.family, spot ? 0 : ofMedia);
  add(master?.family ?? '', ofMasters);
  add('cores', ofMasters + (spot ? 0 : ofMedia));
  add('lowPriorityCores', spot ? ofMedia : 0);
  return needed;
}

function judgeQuota(
  title: string,
  provider: Provider,
  facts: { readonly quota: string; readonly needed: number; readonly usages: Asked<Usages> },
): Finding {
  const { quota, needed, usages } = facts;
  if (!('answer' in usages)) {
    return uncheckedBy(title, usages, `${provider}/locations/usages/read`);
  }
  const { ok, failed, unchecked } = findingsOf(title);
  const usage = usages.answer.get(quota.toLowerCase());
  if (usage === undefined) {
    return unchecked(
      `Azure names no quota ${quota} in the region`,
      'Look in the portal at Quotas.',
    );
  }
  const { used, limit } = usage;
  const found = `${needed} needed at most, the quota ${quota} is ${limit}, ${used} in use`;
  if (needed + used <= limit) return ok(found);
  return failed(
    found,
    `Ask for ${needed + used} of ${quota}, which may take days: in the portal at Quotas, or az quota update --resource-name ${quota} (extension quota); or take fewer or smaller machines: --max-media-nodes, --vm-size.`,
  );
}

async function usagesOf({ arm, root, caller }: PreflightContext, by: Provider): Promise<Usages> {
  const path = `${root}/providers/${by}/locations/${caller.location}/usages`;
  const all = await arm.list(USAGE, path, APIS[by]);
  return new Map(
    all.map(({ name, currentValue, limit }) => [
      name.value.toLowerCase(),
      { used: currentValue, limit },
    ]),
  );
}
