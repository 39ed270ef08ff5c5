import { type CfnCondition, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** What a machine does in its cluster. */
export enum NodeRole {
  /** Everything, on one machine. */
  SINGLE = 'single',
  /** The steady side: client entry, server API, console, controller. */
  MASTER = 'master',
  /** The elastic side: media and TURN. */
  MEDIA = 'media',
}

/** The processor that machines have: x86, Graviton, or the one that a stack parameter says. */
export class NodeArchitecture {
  /** Intel and AMD. */
  static readonly X86_64 = new NodeArchitecture(ec2.InstanceArchitecture.X86_64);

  /** Graviton. */
  static readonly ARM_64 = new NodeArchitecture(ec2.InstanceArchitecture.ARM_64);

  /**
   * Graviton where the condition holds at deployment, x86 elsewhere. The images of both are named
   * in the template; the instance type has to be chosen by the same condition.
   *
   * @param arm Holds where machines are Graviton.
   */
  static chosenBy(arm: CfnCondition): NodeArchitecture {
    return new NodeArchitecture(undefined, arm);
  }

  /**
   * That of an instance type; x86 where the type is known only at deployment.
   */
  static of(instanceType: ec2.InstanceType): NodeArchitecture {
    if (Token.isUnresolved(instanceType.toString())) return NodeArchitecture.X86_64;
    return instanceType.architecture === ec2.InstanceArchitecture.ARM_64
      ? NodeArchitecture.ARM_64
      : NodeArchitecture.X86_64;
  }

  /** @internal undefined: the condition decides */
  readonly _known: ec2.InstanceArchitecture | undefined;

  /** @internal */
  readonly _arm: CfnCondition | undefined;

  private constructor(known?: ec2.InstanceArchitecture, arm?: CfnCondition) {
    this._known = known;
    this._arm = arm;
  }
}
