import { AutoScalingGroup } from '../../node-image/cloud/aws/auto-scaling-group';
import { LifecycleHook } from '../../node-image/cloud/aws/lifecycle-hook';
import { SqsNotices } from '../../node-image/cloud/aws/sqs-notices';
import { NoticeDesk } from '../../node-image/cloud/notice-desk';
import { MemoryRegistry } from '../../node-image/cluster/memory-registry';
import type { DrainOrder, NodeRecord } from '../../node-image/cluster/node-record';
import { configSchema } from '../../node-image/contract';
import { quiet, recordOf } from '../cluster/core-support';
import { FakeAws } from '../support/aws/fake-aws';
import { FakeQueue } from '../support/aws/fake-queue';
import { FakeScalingGroup } from '../support/aws/fake-scaling-group';

export const HOOK = 'sluice-terminating';
export const MINUTE = 60_000;

/** A group of two machines, one with a node, and a queue; time goes by when it is told to. */
export async function deskWorld() {
  const clock = { now: Date.parse('2026-09-01T12:00:00Z') };
  const now = (): number => clock.now;
  const hook = { name: HOOK, transition: 'terminating', defaultResult: 'CONTINUE' } as const;
  const group = new FakeScalingGroup({ hooks: [{ ...hook, heartbeatTimeout: 1800 }], now });
  group.setDesired(2);
  const [id = ''] = group.machines.map((machine) => machine.id);
  const queue = new FakeQueue(now);
  const aws = await FakeAws.start(group, queue);
  const registry = new MemoryRegistry({ now });
  const beat = async (changes: Partial<NodeRecord> = {}): Promise<DrainOrder | undefined> =>
    (await registry.heartbeat(recordOf('N1', { machineId: id, ...changes }), [])).order;
  await beat();
  const at = (): Date => new Date(clock.now);
  const close = async (): Promise<void> => {
    await Promise.all([aws.close(), registry.close()]);
  };
  return { clock, now, group, id, queue, aws, registry, beat, at, close };
}

export type DeskWorld = Awaited<ReturnType<typeof deskWorld>>;

/** Time goes by, the node beats where it is given, and whoever reads notices runs each minute. */
export async function later(
  { clock, group, beat }: DeskWorld,
  reader: { run(): Promise<void> },
  ms: number,
  node?: Partial<NodeRecord>,
): Promise<void> {
  for (let left = ms; left > 0; left -= MINUTE) {
    clock.now += Math.min(left, MINUTE);
    group.expire();
    if (node !== undefined) await beat(node);
    await reader.run();
  }
}

/** The desk of the controller; it runs when it is told to. */
export function startDesk(
  { aws, registry, now }: DeskWorld,
  leadership: { readonly leads: boolean } = { leads: true },
): NoticeDesk {
  const { autoScaling, ec2, sqs } = aws.clients;
  return new NoticeDesk({
    nodeId: 'M1',
    registry,
    leadership,
    machines: new AutoScalingGroup({
      autoScaling,
      ec2,
      name: 'media',
      log: quiet,
      freshMs: 0,
      now,
    }),
    hook: new LifecycleHook({ client: autoScaling, group: 'media', hook: HOOK }),
    queue: new SqsNotices({ client: sqs, url: `${aws.url}/1/notices` }),
    drain: configSchema.parse({}).sluice.drain,
    log: quiet,
    intervalMs: 2 ** 30,
    now,
  });
}
