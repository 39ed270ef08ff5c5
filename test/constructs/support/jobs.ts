/** A cluster with jobs, and what its template says of them. */
import type { Stack } from 'aws-cdk-lib';
import { parse } from 'yaml';
import type * as sluice from '../../../constructs';
import { Domain, ElasticCluster } from '../../../constructs';
import { configSchema } from '../../../node-image/contract';
import { bootFileIn, configurations, userData } from './deployed';
import { certificateOf } from './entries';
import type { TemplateJson } from './golden';
import { anImageOfAnyRegion } from './media-nodes';
import { templateOf } from './stacks';

/** An Elastic cluster, at a load balancer. */
export function cluster(
  stack: Stack,
  jobs: sluice.Jobs | undefined,
  props: Partial<sluice.ElasticClusterProps> = {},
) {
  return new ElasticCluster(stack, 'Meet', {
    domain: Domain.certificate('meet.example.com', certificateOf(stack)),
    image: anImageOfAnyRegion(),
    ...props,
    mediaNodes: { ...(jobs && { jobs }), ...props.mediaNodes },
  });
}

/** By role, as nodes read it. */
export function configsOf(json: TemplateJson) {
  return new Map(
    configurations(json).map(([, text]) => {
      const config = configSchema.parse(parse(text));
      return [config.sluice.role, config] as const;
    }),
  );
}

/** The template. */
export const jsonOf = (stack: Stack) => templateOf(stack).toJSON() as TemplateJson;

/** User data by role. */
export const scriptsOf = (json: TemplateJson) =>
  new Map(userData(json).map(([, text]) => [JSON.parse(bootFileIn(text)).role as string, text]));

/** Of the load balancer: port, protocol. */
export const listenersOf = ({ Resources }: TemplateJson) =>
  Object.values(Resources)
    .filter(({ Type }) => Type === 'AWS::ElasticLoadBalancingV2::Listener')
    .map(({ Properties = {} }) => `${Properties['Protocol']} ${Properties['Port']}`)
    .sort();

/** What the world may reach, over IPv4. */
export function openOf({ Resources }: TemplateJson): string[] {
  const rules = Object.values(Resources).flatMap(({ Type, Properties = {} }) => {
    if (Type === 'AWS::EC2::SecurityGroupIngress') return [Properties];
    return Type === 'AWS::EC2::SecurityGroup'
      ? ((Properties['SecurityGroupIngress'] ?? []) as Record<string, unknown>[])
      : [];
  });
  return rules
    .filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')
    .map(({ IpProtocol, FromPort }) => `${IpProtocol} ${FromPort}`);
}
