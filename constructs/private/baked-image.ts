import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as imagebuilder from 'aws-cdk-lib/aws-imagebuilder';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { stringify } from 'yaml';
import { installFromAsset, nodeFiles } from './node-files';

/** Properties of a baked image. */
export interface BakedImageProps {
  /** Debian 12 for the architecture of `instanceType`. */
  readonly machineImage: ec2.IMachineImage;
  readonly instanceType: ec2.InstanceType;
  readonly subnet?: ec2.ISubnet;
  readonly securityGroups?: ec2.ISecurityGroup[];
  readonly encryptionKey?: kms.IKey;
}

/** An image that EC2 Image Builder makes from the node's files, and its pipeline. */
export class BakedImage extends Construct {
  /** That of this id in the stack; the machines of all roles boot the same. */
  static once(scope: Construct, id: string, props: BakedImageProps): BakedImage {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(id);
    return existing instanceof BakedImage ? existing : new BakedImage(stack, id, props);
  }

  readonly machineImage: ec2.IMachineImage;

  constructor(scope: Construct, id: string, props: BakedImageProps) {
    super(scope, id);
    throw new Error(`not yet ${id} ${props.instanceType}`);
  }
}
void iam;
void imagebuilder;
void stringify;
void installFromAsset;
void nodeFiles;
void ec2;
