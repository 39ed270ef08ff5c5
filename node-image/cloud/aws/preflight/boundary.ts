import { GetRoleCommand, GetUserCommand, type IAMClient } from '@aws-sdk/client-iam';
import { type Finding, findingsOf } from '../../../findings/finding';
import { parseArn } from './arn';
import { type Asked, ask, uncheckedBy, unlessMissing } from './ask';
import type { Check } from './context';

const TITLE = 'Permissions boundary';
/** Also where the CDK has no role of its own. */
const MISSING = ['NoSuchEntityException', 'NoSuchEntity'];

/** Who has a boundary, and its ARN. */
export interface Boundary {
  readonly who: string;
  readonly arn: string;
}

/** Of the caller, and of the role as which CloudFormation deploys for the CDK. */
export const checkBoundary: Check = async ({ question, clients, caller }) => {
  const { account, region, arn } = caller;
  const deployer = `cdk-${question.qualifier}-cfn-exec-role-${account}-${region}`;
  const asked = await ask(async () => [
    ...(await boundaryOfCaller(clients.iam, arn)),
    ...(await boundaryOfRole(clients.iam, deployer)),
  ]);
  return judgeBoundaries(asked);
};

export function judgeBoundaries(asked: Asked<readonly Boundary[]>): readonly Finding[] {
  if (!('answer' in asked)) return [uncheckedBy(TITLE, asked, 'iam:GetRole and iam:GetUser')];
  const { ok, warning } = findingsOf(TITLE);
  if (asked.answer.length === 0) {
    return [ok('neither you nor the role that the CDK deploys with has one')];
  }
  return asked.answer.map(({ who, arn }) =>
    warning(
      `${who} has ${arn}`,
      'Such accounts often let only roles be made that have it too: iam.PermissionsBoundary.of(stack).apply(), and npx cdk bootstrap --custom-permissions-boundary. What the roles of the template have must be allowed in it.',
    ),
  );
}

async function boundaryOfCaller(iam: IAMClient, arn: string): Promise<readonly Boundary[]> {
  const [kind = '', ...path] = parseArn(arn)?.resource.split('/') ?? [];
  if (kind === 'assumed-role') return boundaryOfRole(iam, path[0] ?? '');
  if (kind !== 'user') return [];
  const name = path.at(-1) ?? '';
  const { User } = await iam.send(new GetUserCommand({ UserName: name }));
  return boundariesIn(`the user ${name}`, User?.PermissionsBoundary?.PermissionsBoundaryArn);
}

async function boundaryOfRole(iam: IAMClient, name: string): Promise<readonly Boundary[]> {
  const answer = await unlessMissing(MISSING, () =>
    iam.send(new GetRoleCommand({ RoleName: name })),
  );
  const arn = answer?.Role?.PermissionsBoundary?.PermissionsBoundaryArn;
  return boundariesIn(`the role ${name}`, arn);
}

const boundariesIn = (who: string, arn: string | undefined): readonly Boundary[] =>
  arn === undefined ? [] : [{ who, arn }];
