/** Many small participants in a process of their own; a test forks it (see call-client-rust.ts). */
import './small-client-quiet';
import { dispose } from '@livekit/rtc-node';
import { SmallParticipant } from './small-client-participant';
import type {
  SmallClientMessage,
  SmallClientReply,
  SmallClientRequest,
} from './small-client-protocol';

const participants = new Map<string, SmallParticipant>();

async function handle(request: SmallClientRequest): Promise<Omit<SmallClientReply, 'id'>> {
  const { identity } = request;
  if (request.command === 'join') {
    const participant = new SmallParticipant(identity);
    participants.set(identity, participant);
    try {
      await participant.join(request.url, request.token, request.options);
    } catch (error) {
      // It may be in the Room, and not publish: who tries again must not meet it there.
      participants.delete(identity);
      await participant.leave().catch(() => undefined);
      throw error;
    }
    return {};
  }
  const participant = participants.get(identity);
  if (participant === undefined) return { error: `${identity} has not joined` };
  if (request.command === 'status') return { status: participant.status(request.sinceMs) };
  participants.delete(identity);
  await participant.leave();
  return {};
}

process.on('message', ({ id, request }: SmallClientMessage) => {
  void handle(request)
    .catch((error: unknown) => ({ error: String(error) }))
    .then((reply) => process.send?.({ id, ...reply }));
});

// The test has ended, or wants this to.
process.once('disconnect', () => {
  const leaving = [...participants.values()].map((one) => one.leave());
  const late = setTimeout(() => process.exit(), 3_000);
  void Promise.allSettled(leaving)
    .then(() => dispose())
    .finally(() => {
      clearTimeout(late);
      process.exit();
    });
});

process.send?.({ id: 0 });
