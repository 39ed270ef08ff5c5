import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  type KMSClient,
  paginateListGrants,
} from '@aws-sdk/client-kms';
import { type Finding, findingsOf } from '../../../findings/finding';
import { parseArn } from './arn';
import { type Asked, ask, uncheckedBy, unlessMissing } from './ask';
import type { Caller } from './caller';
import type { Check } from './context';
import { type PolicyView, permits, policyFor } from './key-policy';

const TITLE = 'Key of the disks';
const { ok, failed, warning, unchecked } = findingsOf(TITLE);
/** Source: Amazon EC2 Auto Scaling User Guide, required KMS key policy for encrypted volumes. */
const NEEDED = [
  'CreateGrant',
  'Decrypt',
  'DescribeKey',
  'Encrypt',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
] as const;

export const checkKey: Check = async ({ question, clients: { kms }, caller }) => {
  const { key } = question;
  // Without one, it is that of AWS, which all services of the account may use.
  if (key === undefined) return [];
  const elsewhere = judgeRegion(key, caller);
  if (elsewhere !== undefined) return [elsewhere];
  const asked = await ask(async () => {
    const answer = await unlessMissing(['NotFoundException'], () =>
      kms.send(new DescribeKeyCommand({ KeyId: key })),
    );
    return answer?.KeyMetadata;
  });
  const bad = judgeKey(asked);
  if (bad !== undefined || !('answer' in asked)) return bad === undefined ? [] : [bad];
  const arn = asked.answer?.Arn ?? key;
  if (asked.answer?.KeyManager === 'AWS') return [ok('it is that of AWS for the account')];
  const role = groupRole(caller);
  const [policy, grants] = await Promise.all([
    ask(async () => {
      const { Policy = '' } = await kms.send(
        new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' }),
      );
      return policyFor(Policy, role, caller.account);
    }),
    ask(() => grantsFor(kms, arn, role)),
  ]);
  return [judgeUse(policy, grants, role)];
};

export function judgeRegion(arn: string, { region }: Pick<Caller, 'region'>): Finding | undefined {
  const there = parseArn(arn)?.region;
  return there === undefined || there === region
    ? undefined
    : failed(
        `it is in the region ${there}, and the stack in ${region}`,
        `Give a key of ${region}, or a replica of this one there.`,
      );
}

/** @returns what is wrong with the key, whoever may use it */
export function judgeKey(asked: Asked<KeyMetadata | undefined>): Finding | undefined {
  if (!('answer' in asked)) return uncheckedBy(TITLE, asked, 'kms:DescribeKey');
  if (asked.answer === undefined) {
    return failed('there is none of this ARN', 'See its ARN: aws kms list-keys');
  }
  const { KeyState, KeySpec, KeyUsage } = asked.answer;
  if (KeyState !== 'Enabled') {
    return failed(`its state is ${KeyState}`, 'Run: aws kms enable-key, or give another key.');
  }
  if (KeySpec !== 'SYMMETRIC_DEFAULT' || KeyUsage !== 'ENCRYPT_DECRYPT') {
    return failed(
      `it is ${KeySpec}, for ${KeyUsage}`,
      'Disks take a symmetric key that encrypts: aws kms create-key makes one.',
    );
  }
  return undefined;
}

/** @param grants - what grants let the role do, as KMS calls it, such as "Decrypt" */
export function judgeUse(
  policy: Asked<PolicyView | undefined>,
  grants: Asked<readonly string[]>,
  role: string,
): Finding {
  const granted = 'answer' in grants ? grants.answer : [];
  const view = 'answer' in policy ? policy.answer : undefined;
  const lacking = (patterns: readonly string[]) =>
    NEEDED.filter(
      (each) =>
        !granted.includes(each) && !patterns.some((pattern) => permits(pattern, `kms:${each}`)),
    );
  const todo = `Let ${role} use the key: its policy has to allow ${NEEDED.map((each) => `kms:${each}`).join(', ')}; or: aws kms create-grant --grantee-principal. Otherwise machines end at once with Client.InternalError.`;
  const absent = lacking(view?.allowed ?? []);
  if (absent.length === 0 && view?.denies === true) {
    return warning(
      'Auto Scaling may use it, but its policy also denies',
      `Read its policy. ${todo}`,
    );
  }
  if (absent.length === 0) return ok('Auto Scaling may start machines with it');
  if (!('answer' in policy)) return uncheckedBy(TITLE, policy, 'kms:GetKeyPolicy');
  if (!('answer' in grants)) return uncheckedBy(TITLE, grants, 'kms:ListGrants');
  if (view === undefined) return unchecked('its policy is not understood', `Read it. ${todo}`);
  if (lacking([...view.allowed, ...view.conditional]).length === 0) {
    return unchecked('its policy lets Auto Scaling use it under conditions', `Read them. ${todo}`);
  }
  return failed(`Auto Scaling may not: ${absent.join(', ')}`, todo);
}

const groupRole = ({ partition, account }: Caller): string =>
  `arn:${partition}:iam::${account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;

async function grantsFor(client: KMSClient, KeyId: string, role: string): Promise<string[]> {
  const operations: string[] = [];
  for await (const { Grants = [] } of paginateListGrants({ client }, { KeyId })) {
    for (const { GranteePrincipal, Operations = [], Constraints } of Grants) {
      // A grant with constraints is for something else.
      if (GranteePrincipal === role && Constraints === undefined) operations.push(...Operations);
    }
  }
  return operations;
}
