import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { type Finding, findingsOf } from '../../../findings/finding';
import { parseArn } from './arn';
import { type Asked, ask } from './ask';

/** As whom, and where, AWS is asked. */
export interface Caller {
  readonly account: string;
  readonly arn: string;
  readonly region: string;
  /** Such as "aws", "aws-cn", "aws-us-gov". */
  readonly partition: string;
}

const { ok, failed } = findingsOf('Credentials and region');
const HOW_REGION = 'Set AWS_REGION, such as AWS_REGION=eu-west-1, to where the stack is to be.';
const HOW_CREDENTIALS =
  'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws sso login.';

export async function findCaller(
  sts: STSClient,
): Promise<{ readonly finding: Finding; readonly caller?: Caller }> {
  const region = await ask(() => sts.config.region());
  if (!('answer' in region)) return judgeCaller(region, region);
  return judgeCaller(
    region,
    await ask(async () => {
      const { Account = '', Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
      return { account: Account, arn: Arn };
    }),
  );
}

export function judgeCaller(
  region: Asked<string>,
  identity: Asked<Pick<Caller, 'account' | 'arn'>>,
): { readonly finding: Finding; readonly caller?: Caller } {
  if (!('answer' in region)) {
    return { finding: failed(`no region: ${region.refused}`, HOW_REGION) };
  }
  if (!('answer' in identity)) {
    return { finding: failed(`AWS knows nobody: ${identity.refused}`, todoOf(identity.refused)) };
  }
  const { account, arn } = identity.answer;
  const partition = parseArn(arn)?.partition ?? 'aws';
  const caller = { account, arn, region: region.answer, partition };
  return { caller, finding: ok(`account ${account}, region ${region.answer}, as ${arn}`) };
}

function todoOf(reason: string): string {
  if (/Expired/.test(reason)) return 'Log in again: the credentials have expired.';
  if (/Credentials/.test(reason)) return HOW_CREDENTIALS;
  if (/InvalidClientTokenId|SignatureDoesNotMatch/.test(reason)) {
    return `See that the key is right and the region is enabled for the account. ${HOW_CREDENTIALS}`;
  }
  return 'See that this computer reaches AWS (sts, TCP 443) and its clock is right, and try again.';
}
