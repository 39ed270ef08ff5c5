import { z } from 'zod';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import { type Check, isHere } from './context';
import type { PreflightQuestion } from './question';

const TITLE = 'Resource providers';
const REDIS = 'Azure Managed Redis';
const PROVIDER = z.object({
  namespace: z.string(),
  registrationState: z.string(),
  resourceTypes: z
    .array(z.object({ resourceType: z.string(), locations: z.array(z.string()) }))
    .default([]),
});

/** Source: REST reference, "Providers - List". */
export const checkProviders: Check = async ({ question, arm, root, caller }) => {
  const { ok, failed } = findingsOf(TITLE);
  const asked = await ask(() => arm.list(PROVIDER, `${root}/providers`, '2021-04-01'));
  if (!('answer' in asked)) {
    return [uncheckedBy(TITLE, asked, 'Microsoft.Resources/subscriptions/providers/read')];
  }
  const states = new Map(
    asked.answer.map((each) => [each.namespace.toLowerCase(), each.registrationState]),
  );
  const needed = neededBy(question);
  const bad = needed.filter((name) => states.get(name.toLowerCase()) !== 'Registered');
  const findings: Finding[] = bad.map((name) =>
    failed(
      `${name} is ${states.get(name.toLowerCase()) ?? 'unknown'} in the subscription`,
      `Register it, which takes minutes: az provider register --wait --namespace ${name}`,
    ),
  );
  if (findings.length === 0) findings.push(ok(`registered: ${needed.join(', ')}`));
  if (question.masters <= 1) return findings;
  const redis = asked.answer
    .find(({ namespace }) => namespace.toLowerCase() === 'microsoft.cache')
    ?.resourceTypes.find(({ resourceType }) => resourceType.toLowerCase() === 'redisenterprise');
  const isThere = redis?.locations.some((location) => isHere(location, caller)) === true;
  findings.push(
    isThere
      ? findingsOf(REDIS).ok(`the region has it`)
      : findingsOf(REDIS).failed(
          `the region ${caller.location} has none`,
          'Take another region, or bring a Redis of yours: redis.',
        ),
  );
  return findings;
};

/** What the components make resources of. */
function neededBy({ masters, observability }: PreflightQuestion): readonly string[] {
  return [
    ...['Compute', 'Network', 'KeyVault', 'Storage', 'ManagedIdentity'],
    ...(masters > 1 ? ['Cache'] : []),
    ...(observability ? ['Insights', 'AlertsManagement', 'OperationalInsights'] : []),
  ].map((name) => `Microsoft.${name}`);
}

/** Source: learn.microsoft.com, "Enable end-to-end encryption using encryption at host". */
export const checkFeature: Check = async ({ question, arm, root }) => {
  const title = 'Encryption at host';
  const { ok, failed } = findingsOf(title);
  if (!question.encryptionAtHost) return [ok('not asked for: disks are encrypted at rest')];
  const asked = await ask(() =>
    arm.find(
      z.object({ properties: z.object({ state: z.string() }) }),
      `${root}/providers/Microsoft.Features/providers/Microsoft.Compute/features/EncryptionAtHost`,
      '2021-07-01',
    ),
  );
  if (!('answer' in asked)) return [uncheckedBy(title, asked, 'Microsoft.Features/features/read')];
  const state = asked.answer?.properties.state ?? 'unknown';
  if (state === 'Registered') return [ok('the feature is registered')];
  return [
    failed(
      `the feature Microsoft.Compute/EncryptionAtHost is ${state}`,
      'Register it, and then its provider: az feature register --namespace Microsoft.Compute --name EncryptionAtHost; az provider register --namespace Microsoft.Compute',
    ),
  ];
};
