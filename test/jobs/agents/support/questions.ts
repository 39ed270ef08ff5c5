import { RoomEvent } from '@livekit/rtc-node';
import type { NodeClient } from '../../../support/rtc-node';
import { until } from '../../../support/wait';

/** @returns who answered, and what: "identity metadata: text" */
export type Ask = (text: string, metadata?: string) => Promise<string>;

/**
 * Asks the agents in the Room of a client, again until one answers. To be called before it connects.
 *
 * @param explain - what there is to know when nobody answers
 */
export function questions(client: NodeClient, timeoutMs: number, explain: () => string): Ask {
  const answers: string[] = [];
  client.room.on(RoomEvent.DataReceived, (payload, from, _kind, topic) => {
    if (topic === 'answer') answers.push(`${from?.identity} ${new TextDecoder().decode(payload)}`);
  });
  return async (text, metadata) => {
    const wanted = metadata === undefined ? `: ${text}` : ` ${metadata}: ${text}`;
    const found = await until(
      `an answer to ${text}`,
      async () => {
        await client.room.localParticipant
          ?.publishData(new TextEncoder().encode(text), { reliable: true, topic: 'ask' })
          .catch(() => undefined);
        return answers.find((answer) => answer.endsWith(wanted));
      },
      { timeoutMs, intervalMs: 300, explain },
    );
    return found ?? '';
  };
}
