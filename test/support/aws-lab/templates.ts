import { CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { until } from '../wait';
import type { AwsLab } from './aws-lab';

type Json = Readonly<Record<string, unknown>>;

/** A template, given to CloudFormation as it is: for what no construct would make. */
export interface Template {
  readonly Parameters?: Json;
  readonly Conditions?: Json;
  readonly Rules?: Json;
  readonly Resources: Readonly<Record<string, Json>>;
  readonly Outputs?: Json;
}

/** A network, and a group of small machines with a terminating hook of 60 s. */
export function groupTemplate(group: Json = {}, hook: Json = {}): Template {
  return {
    Resources: {
      Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
      SubnetA: subnet('a', '10.0.0.0/24'),
      SubnetB: subnet('b', '10.0.1.0/24'),
      Template: {
        Type: 'AWS::EC2::LaunchTemplate',
        Properties: {
          LaunchTemplateData: { ImageId: 'ami-0deb1a12a5d640001', InstanceType: 'c7i.large' },
        },
      },
      Group: {
        Type: 'AWS::AutoScaling::AutoScalingGroup',
        Properties: {
          MinSize: '1',
          MaxSize: '4',
          VPCZoneIdentifier: [{ Ref: 'SubnetA' }, { Ref: 'SubnetB' }],
          LaunchTemplate: {
            LaunchTemplateId: { Ref: 'Template' },
            Version: { 'Fn::GetAtt': ['Template', 'LatestVersionNumber'] },
          },
          LifecycleHookSpecificationList: [
            {
              LifecycleHookName: 'leaving',
              LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
              HeartbeatTimeout: 60,
              DefaultResult: 'CONTINUE',
              ...hook,
            },
          ],
          ...group,
        },
      },
    },
    Outputs: { Group: { Value: { Ref: 'Group' } } },
  };
}

function subnet(zone: string, CidrBlock: string): Json {
  return {
    Type: 'AWS::EC2::Subnet',
    Properties: {
      VpcId: { Ref: 'Vpc' },
      CidrBlock,
      AvailabilityZone: { 'Fn::Sub': `\${AWS::Region}${zone}` },
    },
  };
}

/** A copy of a template with one resource changed: a property given as undefined is left out. */
export function changed(template: Template, id: string, properties: Json): Template {
  const resource = template.Resources[id];
  if (resource === undefined) throw new Error(`the template has no ${id}`);
  const merged = { ...(resource['Properties'] as Json), ...properties };
  return {
    ...template,
    Resources: { ...template.Resources, [id]: { ...resource, Properties: merged } },
  };
}

/** Creates a stack and waits until it has ended. @returns its status, and why it failed. */
export async function createStack(
  lab: AwsLab,
  name: string,
  template: Template,
): Promise<{ readonly status: string; readonly reasons: readonly string[] }> {
  try {
    await lab.cloudFormation.send(
      new CreateStackCommand({ StackName: name, TemplateBody: JSON.stringify(template) }),
    );
  } catch (error) {
    return { status: 'refused', reasons: [String(error)] };
  }
  const status = await until(
    `${name} to be made`,
    async () => {
      const found = await lab.status(name);
      return found.endsWith('_IN_PROGRESS') ? '' : found;
    },
    { timeoutMs: 30_000, explain: async () => (await lab.events(name)).join('\n') },
  );
  return { status, reasons: await lab.failures(name) };
}
