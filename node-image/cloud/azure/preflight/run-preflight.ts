import type { Finding } from '../../../findings/finding';
import { runChecks } from '../../../findings/run-checks';
import type { ArmReader } from './arm-reader';
import { ask } from './ask';
import { checkBeforehand } from './beforehand';
import { type Caller, findCaller } from './caller';
import type { Check, PreflightContext } from './context';
import { checkDnsZone } from './dns-zone';
import { checkImage, namesOf } from './image';
import { checkLoadBalancer } from './load-balancer';
import { fetchMachineSizes } from './machine-sizes';
import { checkFeature, checkProviders } from './providers';
import { checkPublicAddress } from './public-address';
import type { PreflightQuestion } from './question';
import { checkAddressQuota, checkCoreQuotas } from './quotas';
import { checkResourceGroups } from './resource-groups';
import { checkRights } from './rights';
import { checkIdentities, checkScaleSet } from './scale-set';
import { checkSizes } from './sizes';
import { checkSubnets } from './subnets';
import { checkVault } from './vault';

/** In the order in which they are told. */
const CHECKS: readonly (readonly [title: string, check: Check])[] = [
  ['Sizes', checkSizes],
  ['Cores', checkCoreQuotas],
  ['Public addresses', checkAddressQuota],
  ['Public address of the entry', checkPublicAddress],
  ['Subnets', checkSubnets],
  ['DNS zone', checkDnsZone],
  ['Load balancer', checkLoadBalancer],
  ['Scale set', checkScaleSet],
  ['Identities', checkIdentities],
  ['Image', checkImage],
  ['Resource providers', checkProviders],
  ['Encryption at host', checkFeature],
  ['Key Vault', checkVault],
  ['Resource groups', checkResourceGroups],
  ['Rights', checkRights],
  ['Beforehand', checkBeforehand],
];

export interface PreflightOptions {
  readonly question: PreflightQuestion;
  readonly arm: ArmReader;
  /** As resolveNs() of node:dns/promises. */
  readonly resolveNs: PreflightContext['resolveNs'];
}

export interface PreflightReport {
  /** Undefined where there are no credentials, or it is not known where to look. */
  readonly caller: Caller | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Says what in a subscription of Azure a deployment would fail by. Changes nothing there. Never
 * rejects: what Azure does not say is a finding too.
 */
export async function runPreflight(options: PreflightOptions): Promise<PreflightReport> {
  const { question, arm } = options;
  const { finding, caller } = await findCaller(arm, question);
  if (caller === undefined) return { caller, findings: [finding] };
  const sizes = await ask(() => fetchMachineSizes(arm, caller, namesOf(question)));
  const root = `/subscriptions/${caller.subscription}`;
  const context = { ...options, caller, root, sizes };
  const found = await runChecks(
    CHECKS.map(([title, check]) => ({ title, run: () => check(context) })),
  );
  return { caller, findings: [finding, ...found] };
}
