import type { Logger } from 'pino';
import { stateOf } from '../cluster/node-record';
import type { NodeWatch } from '../cluster/node-watch';
import type { LocalRooms } from '../room/local-rooms';

/** A participant that was sent away is left alone for so long, ms: its old path goes on a while. */
const REPEAT_MS = 30_000;

/**
 * Sends those away whose media comes through the TURN server of another node that drains: they
 * join again, and are given a relay that stays.
 *
 * @returns how many there are of each node that drains, as of the last look
 */
export function sendAwayFromRelays(options: {
  readonly watch: NodeWatch;
  readonly rooms: LocalRooms;
  readonly nodeId: string;
  readonly log: Logger;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}): () => Readonly<Record<string, number>> {
  const { watch, rooms, nodeId, log, now = () => performance.now() } = options;
  const sentMs = new Map<string, number>();
  let relayedBy: Readonly<Record<string, number>> = {};
  watch.onLooked(() => {
    for (const [who, atMs] of sentMs) {
      if (now() - atMs > REPEAT_MS) {
        sentMs.delete(who);
      }
    }
    const counts: Record<string, number> = {};
    for (const node of watch.nodes()) {
      const { relay, id } = node.record;
      const isLeaving = stateOf(node) === 'draining' || stateOf(node) === 'drained';
      if (relay === undefined || id === nodeId || !isLeaving) {
        continue;
      }
      const isRelay = ({ ip, port }: { ip: string; port: number }): boolean =>
        relay.addresses.includes(ip) && port >= relay.portStart && port <= relay.portEnd;
      const relayed = rooms.participantsVia(isRelay);
      counts[id] = relayed.length;
      for (const participant of relayed) {
        // The sid is another one after it has joined again; when it joined first stays.
        const who = `${participant.joinedAtMs} ${participant.identity}`;
        if (!sentMs.has(who)) {
          sentMs.set(who, now());
          log.info(
            { participant: participant.identity, relay: id },
            'a participant is relayed by a node that drains; it is sent to join again',
          );
          rooms.sendAway(participant);
        }
      }
    }
    relayedBy = counts;
  });
  return () => relayedBy;
}
