import { z } from 'zod';
import type { Asked } from '../../../findings/asked';
import { type Finding, findingsOf } from '../../../findings/finding';
import type { ArmReader } from './arm-reader';
import { ask } from './ask';
import { plainLocation } from './context';
import type { PreflightQuestion } from './question';

/** In which subscription, and where, Azure is asked. */
export interface Caller {
  readonly subscription: string;
  readonly name: string;
  readonly location: string;
}

interface Subscription {
  readonly id: string;
  readonly name: string;
  /** Such as "Enabled" or "Disabled". */
  readonly state: string;
}

type Found = { readonly finding: Finding; readonly caller?: Caller };

const { ok, failed } = findingsOf('Credentials and region');
const API = '2022-12-01';
const SUBSCRIPTION = z
  .object({ subscriptionId: z.string(), displayName: z.string(), state: z.string() })
  .transform(({ subscriptionId, displayName, state }): Subscription => {
    return { id: subscriptionId, name: displayName, state };
  });

export async function findCaller(arm: ArmReader, question: PreflightQuestion): Promise<Found> {
  const { subscription, location } = question;
  const asked = await ask(() => arm.list(SUBSCRIPTION, '/subscriptions', API));
  const chosen = judgeSubscription(asked, subscription);
  if ('finding' in chosen) return chosen;
  const { id, name } = chosen.subscription;
  const regions = await ask(() =>
    arm.list(z.object({ name: z.string() }), `/subscriptions/${id}/locations`, API),
  );
  const bad = judgeLocation(regions, location);
  if (bad !== undefined || location === undefined) return { finding: bad ?? noLocation() };
  const here = plainLocation(location);
  const finding = ok(`subscription ${name} (${id}), region ${here}`);
  return { finding, caller: { subscription: id, name, location: here } };
}

function judgeSubscription(
  asked: Asked<readonly Subscription[]>,
  wanted: string | undefined,
): Found | { readonly subscription: Subscription } {
  if (!('answer' in asked)) {
    return { finding: failed(`Azure knows nobody: ${asked.refused}`, todoOf(asked.refused)) };
  }
  const known = asked.answer.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none';
  const matching = asked.answer.filter(({ id }) => wanted === undefined || id === wanted);
  const [one, ...others] = matching;
  if (one === undefined) {
    return {
      finding: failed(
        `${wanted === undefined ? 'no subscription' : `no subscription ${wanted}`} is seen: there is ${known}`,
        'Log in where it is, az login --tenant TENANT, or give another --subscription.',
      ),
    };
  }
  if (others.length > 0) {
    return {
      finding: failed(
        `several subscriptions are seen: ${known}`,
        'Give one: --subscription, or ARM_SUBSCRIPTION_ID.',
      ),
    };
  }
  if (one.state !== 'Enabled') {
    return {
      finding: failed(
        `the subscription ${one.name} is ${one.state}: nothing can be made in it`,
        'Have it enabled again, in the portal at Subscriptions, or give another --subscription.',
      ),
    };
  }
  return { subscription: one };
}

function judgeLocation(
  regions: Asked<readonly { readonly name: string }[]>,
  location: string | undefined,
): Finding | undefined {
  if (location === undefined) return noLocation();
  if (!('answer' in regions)) {
    return failed(`Azure names no regions: ${regions.refused}`, todoOf(regions.refused));
  }
  const names = regions.answer.map(({ name }) => name);
  if (names.includes(plainLocation(location))) return undefined;
  return failed(
    `the subscription has no region ${location}`,
    'Give one of those that it has: az account list-locations --query "[].name"',
  );
}

const noLocation = (): Finding =>
  failed(
    'no region was given',
    'Give the one where the stack is to be: --location westeurope, or ARM_LOCATION.',
  );

function todoOf(reason: string): string {
  if (/expired|AADSTS7000|AADSTS50173|ExpiredAuthenticationToken/i.test(reason)) {
    return 'Log in again: az login.';
  }
  if (/Credential|AADSTS|AuthenticationFailed|InvalidAuthenticationToken/i.test(reason)) {
    return 'Log in: az login; or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.';
  }
  return 'See that this computer reaches Azure (management.azure.com, TCP 443) and its clock is right, and try again.';
}
