import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { MediaNodes, type MediaNodesProps } from '../../../constructs/media-nodes';
import { NodeImage } from '../../../constructs/node-image';
import { anImage, publicVpc } from './nodes';
import { envStack, errorsOf, templateOf } from './stacks';

export const GROUP = 'AWS::AutoScaling::AutoScalingGroup';
export const TEMPLATE = 'AWS::EC2::LaunchTemplate';

export type Given = Partial<MediaNodesProps>;

export function defined(props: Given | ((stack: Stack) => Given) = {}, stack = envStack()) {
  const nodes = new MediaNodes(stack, 'Nodes', {
    vpc: publicVpc(stack),
    image: anImage,
    ...(typeof props === 'function' ? props(stack) : props),
  });
  return { stack, nodes };
}

export const templateWith = (props?: Parameters<typeof defined>[0]) =>
  templateOf(defined(props).stack);
export const problemsWith = (props: Parameters<typeof defined>[0]) =>
  errorsOf(defined(props).stack);

export function anImageOfAnyRegion(): NodeImage {
  return NodeImage.fromAmi(ec2.MachineImage.fromSsmParameter('/images/node'));
}
