import { Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';

/** Sizes below `xlarge`, in vCPUs. Of the small ones some families have one, some two: the larger. */
const SMALL: Readonly<Record<string, number>> = {
  nano: 2,
  micro: 2,
  small: 2,
  medium: 2,
  large: 2,
  xlarge: 4,
};

/**
 * So many vCPUs an instance type has at most, by its name; undefined where the name does not say, as
 * of bare metal, or is a token. Source: Amazon EC2 instance types guide; `2xlarge` has 8, and so on.
 */
export function mostVcpusOf(instanceType: ec2.InstanceType): number | undefined {
  const name = instanceType.toString();
  if (Token.isUnresolved(name)) return undefined;
  const size = name.split('.')[1] ?? '';
  const many = /^(\d+)xlarge$/.exec(size);
  return many ? Number(many[1]) * 4 : SMALL[size];
}
