/** Events as EventBridge puts them into the queue. */

let count = 0;

const event = (source: string, type: string, detail: object, time: Date): object => {
  count += 1;
  return {
    version: '0',
    id: `event-${count}`,
    'detail-type': type,
    source,
    account: '123456789012',
    time: time.toISOString().replace(/\.\d+Z/, 'Z'),
    region: 'eu-west-1',
    resources: [],
    detail,
  };
};

/** Source: Auto Scaling User Guide, ec2-auto-scaling-event-reference.html. */
export const terminating = (instanceId: string, group = 'media', time = new Date()): object =>
  event(
    'aws.autoscaling',
    'EC2 Instance-terminate Lifecycle Action',
    {
      LifecycleActionToken: '87654321-4321-4321-4321-210987654321',
      AutoScalingGroupName: group,
      LifecycleHookName: 'sluice-terminating',
      EC2InstanceId: instanceId,
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      Origin: 'AutoScalingGroup',
      Destination: 'EC2',
    },
    time,
  );

/** Source: EC2 User Guide, spot-instance-termination-notices.html. */
export const interruption = (instanceId: string, time = new Date()): object =>
  event(
    'aws.ec2',
    'EC2 Spot Instance Interruption Warning',
    { 'instance-id': instanceId, 'instance-action': 'terminate' },
    time,
  );

/** Source: EC2 User Guide, rebalance-recommendations.html. */
export const rebalance = (instanceId: string, time = new Date()): object =>
  event('aws.ec2', 'EC2 Instance Rebalance Recommendation', { 'instance-id': instanceId }, time);

/** Source: EC2 User Guide, monitoring-instance-state-changes.html. */
export const stateChange = (instanceId: string, state: string, time = new Date()): object =>
  event(
    'aws.ec2',
    'EC2 Instance State-change Notification',
    { 'instance-id': instanceId, state },
    time,
  );

/** What a group sends when it is given notifications. Source: Auto Scaling User Guide, prepare-for-lifecycle-notifications.html. */
export const TEST_NOTIFICATION = {
  AccountId: '123456789012',
  RequestId: '1',
  AutoScalingGroupName: 'media',
  Event: 'autoscaling:TEST_NOTIFICATION',
  Time: '2026-01-01T00:00:00Z',
};
