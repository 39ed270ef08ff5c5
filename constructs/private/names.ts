import { ArnFormat, Aws, Fn, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Long enough for people, short enough for every name of AWS that begins with a stack's name. */
const LONGEST = 80;

/** Where a construct is in its stack, as part of a name: `Meet-MediaNodes`. */
export function nameInStack(scope: IConstruct): string {
  const ids = scope.node.scopes
    .slice(Stack.of(scope).node.scopes.length)
    .map((each) => each.node.id);
  const name = ids.join('-').replaceAll(/[^A-Za-z0-9-]/g, '');
  return name.length <= LONGEST
    ? name
    : `${name.slice(0, LONGEST - 9)}-${scope.node.addr.slice(-8)}`;
}

/**
 * Name of a group, known before the group is made: what its machines and the controller are told
 * must not wait for it, as the group itself waits for its machines. Its end is different for each
 * stack of a name, so that one can be made again while the last one's machines still end.
 */
export function groupName(scope: IConstruct): string {
  const uuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  return Fn.join('-', [Aws.STACK_NAME, nameInStack(scope), Fn.select(0, Fn.split('-', uuid))]);
}

/**
 * ARN of a group that is known by its name, as policies take it.
 */
export function groupArn(scope: IConstruct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    // AWS puts an id of its own before the name.
    resourceName: `*:autoScalingGroupName/${name}`,
  });
}
