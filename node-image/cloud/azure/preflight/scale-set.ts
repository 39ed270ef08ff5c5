import { z } from 'zod';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import type { Check } from './context';

const SET_TITLE = 'Scale set';
const SET = z.object({
  identity: z.object({ type: z.string() }).optional(),
  properties: z.object({
    orchestrationMode: z.string().default('Uniform'),
    upgradePolicy: z.object({ mode: z.string().optional() }).default({}),
    virtualMachineProfile: z
      .object({
        scheduledEventsProfile: z
          .object({
            terminateNotificationProfile: z.object({ enable: z.boolean().optional() }).optional(),
          })
          .optional(),
      })
      .default({}),
  }),
});
const AUTOSCALE = z.object({
  name: z.string(),
  properties: z.object({ enabled: z.boolean().default(true), targetResourceUri: z.string() }),
});

/** Source: "Orchestration modes for Virtual Machine Scale Sets". */
export const checkScaleSet: Check = async ({ question, arm, root }) => {
  const id = question.scaleSet;
  if (id === undefined) return [];
  const { ok, failed, warning, unchecked } = findingsOf(SET_TITLE);
  const [asked, scaled] = await Promise.all([
    ask(() => arm.find(SET, id, '2024-07-01')),
    ask(() =>
      arm.list(AUTOSCALE, `${root}/providers/Microsoft.Insights/autoscalesettings`, '2022-10-01'),
    ),
  ]);
  if (!('answer' in asked)) {
    return [uncheckedBy(SET_TITLE, asked, 'Microsoft.Compute/virtualMachineScaleSets/read')];
  }
  if (asked.answer === undefined) return [unchecked(`there is no ${id} yet`)];
  const { identity, properties } = asked.answer;
  const { orchestrationMode: mode, upgradePolicy, virtualMachineProfile: profile } = properties;
  const findings: Finding[] = [];
  if (mode !== 'Flexible') {
    findings.push(
      failed(
        `its orchestration mode is ${mode}, which cannot be changed; it has to be Flexible`,
        'Let the deployment make a set of its own, drain this one (sluice drain), and delete it.',
      ),
    );
  }
  if (/SystemAssigned/i.test(identity?.type ?? '')) {
    findings.push(
      failed(
        `it has an identity of the kind ${identity?.type}; a Flexible set has user-assigned ones only`,
        'Give the machines a user-assigned identity: identity.',
      ),
    );
  }
  if (upgradePolicy.mode === 'Automatic' || upgradePolicy.mode === 'Rolling') {
    findings.push(
      failed(
        `its upgrade policy is ${upgradePolicy.mode}: Azure ends machines with calls on them`,
        'Set it to Manual, the controller rolls node by node: az vmss update --set upgradePolicy.mode=Manual',
      ),
    );
  }
  const notice = profile.scheduledEventsProfile?.terminateNotificationProfile;
  if (notice?.enable !== true) {
    findings.push(
      warning(
        'it says nothing before a machine is deleted by others',
        'Switch the notice on: az vmss update --enable-terminate-notification true --terminate-notification-time 15',
      ),
    );
  }
  const autoscale =
    'answer' in scaled
      ? scaled.answer.find(({ properties: each }) => {
          return each.enabled && each.targetResourceUri.toLowerCase() === id.toLowerCase();
        })
      : undefined;
  if (autoscale !== undefined) {
    findings.push(
      failed(
        `the autoscale setting ${autoscale.name} sizes it too, and ends machines with calls on them`,
        `Take it away, the controller sizes the set: az monitor autoscale delete --name ${autoscale.name}`,
      ),
    );
  }
  if (!('answer' in scaled)) {
    findings.push(uncheckedBy(SET_TITLE, scaled, 'Microsoft.Insights/autoscalesettings/read'));
  }
  return findings.length > 0 ? findings : [ok('Flexible, manual upgrades, notice on')];
};

const IDENTITY = z.object({ properties: z.object({ clientId: z.string() }) });
const USER_ASSIGNED = /\/providers\/Microsoft\.ManagedIdentity\/userAssignedIdentities\/[^/]+$/i;

export const checkIdentities: Check = async ({ question, arm }) => {
  const title = 'Identities';
  const { ok, failed } = findingsOf(title);
  const { identities } = question;
  if (identities.length === 0) return [ok('the deployment makes them, user-assigned')];
  const findings = identities.map(async (id): Promise<Finding> => {
    const HOW = 'Make one: az identity create; and give its id, principalId and clientId.';
    if (!USER_ASSIGNED.test(id)) {
      return failed(`${id} is no user-assigned identity, the only kind a Flexible set takes`, HOW);
    }
    const asked = await ask(() => arm.find(IDENTITY, id, '2023-01-31'));
    if (!('answer' in asked)) {
      return uncheckedBy(title, asked, 'Microsoft.ManagedIdentity/userAssignedIdentities/read');
    }
    if (asked.answer === undefined) return failed(`there is no ${id}`, HOW);
    return ok(`${id.split('/').at(-1)}, user-assigned`);
  });
  return Promise.all(findings);
};
