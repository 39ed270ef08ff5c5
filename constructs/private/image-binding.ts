import { type CfnCondition, Fn, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { NodeArchitecture, NodeRole } from '../node-architecture';

/** What an image is bound to. */
export interface NodeImageTarget {
  readonly architecture: ec2.InstanceArchitecture;
  readonly role: NodeRole;
  /** Options of install.sh beside those that the image gives itself. */
  readonly installOptions: readonly string[];
}

/** What machines start from. */
export interface NodeImageConfig {
  readonly machineImage: ec2.IMachineImage;
  /** Name of its root device, such as /dev/xvda. */
  readonly rootDevice: string;
  /** Lines of shell that bring the node's software onto the machine, run once as root. */
  readonly installScript: readonly string[];
  /** Lets a machine fetch what the lines above need. */
  grantRead(grantee: iam.IGrantable): void;
}

/** A NodeImage, from the inside. */
export interface BindableImage {
  readonly architecture?: NodeArchitecture;
  _bind(scope: Construct, target: NodeImageTarget): NodeImageConfig;
}

/** Binds an image for an architecture that may be known only at deployment. */
export function bindImage(
  scope: Construct,
  image: BindableImage,
  architecture: NodeArchitecture,
  machine: Pick<NodeImageTarget, 'role' | 'installOptions'>,
): NodeImageConfig {
  const condition = architecture._arm;
  const bind = (one: ec2.InstanceArchitecture) =>
    image._bind(scope, { ...machine, architecture: one });
  if (condition === undefined) return bind(architecture._known ?? ec2.InstanceArchitecture.X86_64);
  const x86 = bind(ec2.InstanceArchitecture.X86_64);
  const arm = bind(ec2.InstanceArchitecture.ARM_64);
  return {
    machineImage: new ConditionalImage(condition, arm.machineImage, x86.machineImage),
    rootDevice: x86.rootDevice,
    // The lines look at the machine where architectures differ, so those of one serve both.
    installScript: x86.installScript,
    grantRead: (grantee) => {
      x86.grantRead(grantee);
      arm.grantRead(grantee);
    },
  };
}

class ConditionalImage implements ec2.IMachineImage {
  constructor(
    private readonly condition: CfnCondition,
    private readonly yes: ec2.IMachineImage,
    private readonly no: ec2.IMachineImage,
  ) {}

  getImage(scope: Construct): ec2.MachineImageConfig {
    const [yes, no] = [this.yes.getImage(scope), this.no.getImage(scope)];
    const imageId = Fn.conditionIf(this.condition.logicalId, yes.imageId, no.imageId);
    return { ...no, imageId: Token.asString(imageId) };
  }
}
