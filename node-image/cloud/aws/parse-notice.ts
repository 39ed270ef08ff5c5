import { z } from 'zod';
import type { MachineNotice } from '../notices';

/** A spot machine is taken so long after it was said, ms. Source: EC2 User Guide, "Spot Instance interruption notices". */
const SPOT_NOTICE_MS = 120_000;

/** Source: EventBridge User Guide, "AWS events". */
const eventSchema = z.object({
  'detail-type': z.string(),
  source: z.string(),
  time: z.iso.datetime({ offset: true }),
  detail: z.record(z.string(), z.unknown()),
});

/** Source: Auto Scaling User Guide, "Amazon EC2 Auto Scaling event reference". */
const terminatingSchema = z.object({
  EC2InstanceId: z.string().min(1),
  AutoScalingGroupName: z.string(),
});
/** Source: EC2 User Guide, "Monitor events: state-change, spot interruption, rebalance". */
const instanceSchema = z.object({ 'instance-id': z.string().min(1) });
const interruptionSchema = instanceSchema.extend({ 'instance-action': z.string() });
const stateSchema = instanceSchema.extend({ state: z.string() });

const GONE = ['shutting-down', 'terminated', 'stopping', 'stopped'];

/** Reads a message of the queue. Whatever it is, nothing is thrown: what is not known is `other`. */
export function parseNotice(body: string): MachineNotice {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { kind: 'other', what: 'a message that is no JSON' };
  }
  const event = eventSchema.safeParse(json);
  // Such as autoscaling:TEST_NOTIFICATION, which a group sends when it is made.
  if (!event.success) return { kind: 'other', what: 'a message that is no event' };
  const { 'detail-type': type, source, time, detail } = event.data;
  const read = READERS[`${source} ${type}`];
  const other: MachineNotice = { kind: 'other', what: `${source} ${type}` };
  return read?.(detail, Date.parse(time)) ?? other;
}

type Reader = (detail: unknown, atMs: number) => MachineNotice | undefined;

const reader =
  <T>(schema: z.ZodType<T>, notice: (detail: T, atMs: number) => MachineNotice): Reader =>
  (detail, atMs) => {
    const parsed = schema.safeParse(detail);
    return parsed.success ? notice(parsed.data, atMs) : undefined;
  };

const READERS: Readonly<Record<string, Reader>> = {
  'aws.autoscaling EC2 Instance-terminate Lifecycle Action': reader(
    terminatingSchema,
    (detail) => ({
      kind: 'terminating',
      machineId: detail.EC2InstanceId,
      group: detail.AutoScalingGroupName,
    }),
  ),
  'aws.ec2 EC2 Spot Instance Interruption Warning': reader(interruptionSchema, (detail, atMs) => ({
    kind: 'interruption',
    machineId: detail['instance-id'],
    atMs: atMs + SPOT_NOTICE_MS,
    action: detail['instance-action'],
  })),
  'aws.ec2 EC2 Instance Rebalance Recommendation': reader(instanceSchema, (detail, sinceMs) => ({
    kind: 'rebalance',
    machineId: detail['instance-id'],
    sinceMs,
  })),
  'aws.ec2 EC2 Instance State-change Notification': reader(stateSchema, ({ state, ...detail }) =>
    GONE.includes(state)
      ? { kind: 'gone', machineId: detail['instance-id'] }
      : { kind: 'other', what: `${detail['instance-id']} is ${state}` },
  ),
};
