import {
  DescribeLoadBalancersCommand,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy, unlessMissing } from './ask';
import type { Check } from './context';

const TITLE = 'Load balancer';
const { ok, failed, warning } = findingsOf(TITLE);

export const checkLoadBalancer: Check = async ({ question, clients }) => {
  const { loadBalancer: arn } = question;
  // Nothing is to be said of one that the deployment makes.
  if (arn === undefined) return [];
  const asked = await ask(async () => {
    const answer = await unlessMissing(
      ['LoadBalancerNotFoundException', 'LoadBalancerNotFound'],
      () => clients.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] })),
    );
    return answer?.LoadBalancers?.[0];
  });
  return judgeLoadBalancer(asked);
};

export function judgeLoadBalancer(asked: Asked<LoadBalancer | undefined>): readonly Finding[] {
  if (!('answer' in asked)) {
    return [uncheckedBy(TITLE, asked, 'elasticloadbalancing:DescribeLoadBalancers')];
  }
  if (asked.answer === undefined) {
    return [
      failed('there is none of this ARN in the region', 'See: aws elbv2 describe-load-balancers'),
    ];
  }
  const { LoadBalancerName: name, Type, Scheme, SecurityGroups = [], State } = asked.answer;
  const findings: Finding[] = [];
  if (Type !== 'network') {
    findings.push(
      failed(`${name} is of the type ${Type}`, 'Take a Network Load Balancer: it passes TCP on.'),
    );
  }
  if (Type === 'network' && SecurityGroups.length === 0) {
    findings.push(
      failed(
        `${name} has no security group, and can never get one`,
        'Make a load balancer with a security group, or name its addresses: loadBalancerPeers.',
      ),
    );
  }
  if (State?.Code === 'failed') {
    findings.push(failed(`${name} has failed: ${State.Reason ?? ''}`, 'Make another one.'));
  }
  if (Scheme === 'internal') {
    findings.push(
      warning(
        `${name} is internal`,
        'Only who is in the network of its VPC reaches it: make one that faces the internet.',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`${name}, with ${SecurityGroups.join(', ')}`)];
}
