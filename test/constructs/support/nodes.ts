import type { Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { NodeImage } from '../../../constructs/node-image';

/** A VPC with public subnets in two zones, of no cost. */
export function publicVpc(stack: Stack): ec2.Vpc {
  return new ec2.Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [
      { name: 'public', subnetType: ec2.SubnetType.PUBLIC },
      { name: 'inside', subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
    ],
  });
}

/** An image for tests that are not about images: no asset is made of it. */
export const anImage = NodeImage.fromAmi(
  ec2.MachineImage.genericLinux({ 'eu-central-1': 'ami-0123456789abcdef0' }, {}),
);

/** A resource, as far as tests look into it. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DependsOn?: readonly string[];
  readonly CreationPolicy?: unknown;
  readonly UpdatePolicy?: unknown;
  readonly DeletionPolicy?: string;
}

/** The only resource of a type, with its logical id. */
export function only(template: Template, type: string): { id: string; resource: Resource } {
  const found = Object.entries<Resource>(template.findResources(type) as never);
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} resources are ${type}`);
  }
  return { id: first[0], resource: first[1] };
}

/** All statements of all policies, or of those that are chosen. */
export function statements(
  template: Template,
  isChosen: (policy: Resource) => boolean = () => true,
): readonly Statement[] {
  return Object.values<Resource>(template.findResources('AWS::IAM::Policy') as never)
    .filter(isChosen)
    .flatMap(
      ({ Properties }) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement,
    );
}

/** A statement of a policy. */
export interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** The actions of a statement. */
export function actionsOf({ Action }: Statement): readonly string[] {
  return typeof Action === 'string' ? [Action] : Action;
}

/** A text of a template with its references as they would be filled in: `<LogicalId>`. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('');
  const [[key, inner] = ['', undefined]] = Object.entries(value as object) as [string, unknown][];
  if (key === 'Fn::Join') {
    const [separator, parts] = inner as [string, unknown[]];
    return parts.map(textOf).join(separator);
  }
  if (key === 'Fn::Base64') return textOf(inner);
  if (key === 'Fn::Sub') return String(inner).replaceAll(/\$\{(.*?)\}/g, '<$1>');
  if (key === 'Ref') return `<${String(inner)}>`;
  if (key === 'Fn::GetAtt') return `<${(inner as string[]).join('.')}>`;
  return `<${key}>`;
}
