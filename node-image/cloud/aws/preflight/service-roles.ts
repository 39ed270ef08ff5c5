import { GetRoleCommand } from '@aws-sdk/client-iam';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy, unlessMissing } from './ask';
import type { Check } from './context';
import type { PreflightQuestion } from './question';

/** A role that a service of AWS has in each account that has used it. */
export interface ServiceRole {
  readonly name: string;
  readonly service: string;
}

export const checkServiceRoles: Check = async ({ question, clients }) =>
  Promise.all(
    rolesFor(question).map(async (role) => {
      const asked = await ask(async () => {
        const answer = await unlessMissing(['NoSuchEntityException', 'NoSuchEntity'], () =>
          clients.iam.send(new GetRoleCommand({ RoleName: role.name })),
        );
        return answer !== undefined;
      });
      return judgeRole(role, asked);
    }),
  );

export function judgeRole({ name, service }: ServiceRole, isThere: Asked<boolean>): Finding {
  const title = `Role of ${service.split('.')[0]}`;
  if (!('answer' in isThere)) return uncheckedBy(title, isThere, 'iam:GetRole');
  const { ok, failed } = findingsOf(title);
  return isThere.answer
    ? ok(name)
    : failed(
        `${name} is not there: the first deployment of an account may fail by it`,
        `Run: aws iam create-service-linked-role --aws-service-name ${service}`,
      );
}

export function rolesFor({ masters, spot, loadBalancer }: PreflightQuestion): ServiceRole[] {
  const role = (name: string, service: string): ServiceRole => ({
    name: `AWSServiceRoleFor${name}`,
    service: `${service}.amazonaws.com`,
  });
  return [
    role('AutoScaling', 'autoscaling'),
    ...(loadBalancer === undefined ? [role('ElasticLoadBalancing', 'elasticloadbalancing')] : []),
    // Others have Redis on their Master Node, or none.
    ...(masters > 1 ? [role('ElastiCache', 'elasticache')] : []),
    ...(spot ? [role('EC2Spot', 'spot')] : []),
  ];
}
