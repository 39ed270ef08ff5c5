import { CfnCondition, CfnParameter, type CfnParameterProps, Fn, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** A parameter as the console shows it. */
export interface LabelledParameter {
  readonly parameter: CfnParameter;
  /** Its name for people. */
  readonly label: string;
}

/** The parameters of a shipped stack, in the groups in which the console asks for them. */
export class StackParameters {
  readonly #stack: Stack;
  readonly #groups: { label: string; parameters: LabelledParameter[] }[] = [];

  /** @param stack The stack itself: parameters keep the names they are given. */
  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** Defines a parameter and shows it in the group, after those that are there already. */
  add(group: string, name: string, label: string, props: CfnParameterProps): CfnParameter {
    const parameter = new CfnParameter(this.#stack, name, props);
    const known = this.#groups.find((one) => one.label === group);
    if (known) known.parameters.push({ parameter, label });
    else this.#groups.push({ label: group, parameters: [{ parameter, label }] });
    this.#render();
    return parameter;
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-interface.html */
  #render(): void {
    const all = this.#groups.flatMap(({ parameters }) => parameters);
    this.#stack.templateOptions.metadata = {
      ...this.#stack.templateOptions.metadata,
      'AWS::CloudFormation::Interface': {
        ParameterGroups: this.#groups.map(({ label, parameters }) => ({
          Label: { default: label },
          Parameters: parameters.map(({ parameter }) => parameter.logicalId),
        })),
        ParameterLabels: Object.fromEntries(
          all.map(({ parameter, label }) => [parameter.logicalId, { default: label }]),
        ),
      },
    };
  }
}

/** The group of the console in which the Media Nodes are sized. */
export const MEDIA_NODES_GROUP = 'Media Nodes Autoscaling Group Configuration';

/** The group of the console for what clients connect to. */
export const DOMAIN_GROUP = 'Domain and Certificate';

/** How large a group of Media Nodes is, and of which machines, by parameters of the stack. */
export interface MediaNodesParameters {
  readonly initialCapacity: number;
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly targetLoad: number;
  readonly headroomRooms: number;
  readonly instanceType: ec2.InstanceType;
  /** Holds where Media Nodes are Graviton. */
  readonly isArm: CfnCondition;
}

/** Whole numbers of machines; what AWS allows an account is a quota of its own. */
const CAPACITY = { type: 'Number', minValue: 1, maxValue: 1000 } as const;

/**
 * The parameters with which a running cluster is resized, from the console or by
 * `cdk deploy SluiceElastic --parameters MediaNodesMaxCapacity=10`.
 */
export function mediaNodesParameters(parameters: StackParameters): MediaNodesParameters {
  const add = (name: string, label: string, props: CfnParameterProps) =>
    parameters.add(MEDIA_NODES_GROUP, name, label, props);
  const architecture = add('MediaNodesArchitecture', 'Processor', {
    description: 'Processor of the Media Nodes: x86_64 (Intel, AMD) or arm64 (Graviton).',
    default: 'x86_64',
    allowedValues: ['x86_64', 'arm64'],
  });
  const x86 = add('MediaNodesInstanceType', 'Instance type, x86_64', {
    ...instanceTypeOf('x86_64'),
    default: 'c7i.xlarge',
  });
  const arm = add('MediaNodesArmInstanceType', 'Instance type, arm64', {
    ...instanceTypeOf('arm64'),
    default: 'c7g.xlarge',
  });
  const initial = add('MediaNodesInitialCapacity', 'Initial number of Media Nodes', {
    ...CAPACITY,
    description: 'Media Nodes at first. Counts when the stack is created, and never again.',
    default: 1,
  });
  const min = add('MediaNodesMinCapacity', 'Minimum number of Media Nodes', {
    ...CAPACITY,
    description: 'Media Nodes that are kept, however little there is to do.',
    default: 1,
  });
  const max = add('MediaNodesMaxCapacity', 'Maximum number of Media Nodes', {
    ...CAPACITY,
    description: 'Media Nodes at most, and with that what they cost at most.',
    default: 4,
  });
  const targetLoad = add('MediaNodesTargetLoad', 'Target load', {
    type: 'Number',
    description:
      'Load of the Media Nodes, 0.05 to 1, that the cluster is kept below by growing: the highest of CPU, network and what Rooms have reserved.',
    default: 0.6,
    minValue: 0.05,
    maxValue: 1,
  });
  const headroom = add('MediaNodesHeadroomRooms', 'Headroom, in Rooms', {
    type: 'Number',
    description: 'New Rooms that fit at any time without waiting for another Media Node.',
    default: 2,
    minValue: 0,
    maxValue: 10_000,
  });
  const isArm = new CfnCondition(architecture.stack, 'MediaNodesAreArm', {
    expression: Fn.conditionEquals(architecture.valueAsString, 'arm64'),
  });
  const instanceType = Fn.conditionIf(isArm.logicalId, arm.valueAsString, x86.valueAsString);
  return {
    initialCapacity: initial.valueAsNumber,
    minCapacity: min.valueAsNumber,
    maxCapacity: max.valueAsNumber,
    targetLoad: targetLoad.valueAsNumber,
    headroomRooms: headroom.valueAsNumber,
    instanceType: new ec2.InstanceType(instanceType.toString()),
    isArm,
  };
}

function instanceTypeOf(architecture: string): CfnParameterProps {
  return {
    description: `Instance type where the processor is ${architecture}; a changed type is rolled out node by node, with drain.`,
    allowedPattern: '[a-z][a-z0-9-]*\\.[a-z0-9-]+',
    constraintDescription: 'an instance type such as c7i.xlarge',
  };
}
