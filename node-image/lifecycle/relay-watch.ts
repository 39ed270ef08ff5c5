import type { Logger } from 'pino';
import { stateOf } from '../cluster/node-record';
import type { NodeWatch } from '../cluster/node-watch';
import type { LocalRooms } from '../room/local-rooms';

/** A participant that was sent away is left alone for so long, ms: its old path goes on a while. */
const REPEAT_MS = 30_000;

/**
 * Sends those away whose media comes through the TURN server of another node that drains: they
 * join again, and are given a relay that stays.
 */
export function sendAwayFromRelays(options: {
  readonly watch: NodeWatch;
  readonly rooms: LocalRooms;
  readonly nodeId: string;
  readonly log: Logger;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}): void {
  const { watch, rooms, nodeId, log, now = () => performance.now() } = options;
  const sentMs = new Map<string, number>();
  watch.onLooked(() => {
    for (const [who, atMs] of sentMs) {
      if (now() - atMs > REPEAT_MS) {
        sentMs.delete(who);
      }
    }
    for (const node of watch.nodes()) {
      const { relay, id } = node.record;
      if (relay === undefined || id === nodeId || stateOf(node) !== 'draining') {
        continue;
      }
      const isRelay = ({ ip, port }: { ip: string; port: number }): boolean =>
        relay.addresses.includes(ip) && port >= relay.portStart && port <= relay.portEnd;
      for (const participant of rooms.participantsVia(isRelay)) {
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
  });
}
