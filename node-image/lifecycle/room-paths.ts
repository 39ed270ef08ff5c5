import type { ServerResponse } from 'node:http';
import { answerJson, bodyOf, type LinkPath, urlOf } from '../api/cluster/link-requests';
import type { HostedRooms } from '../cluster/hosted-rooms';
import { type RoomHandover, roomHandoverSchema } from '../room/handover';
import type { LocalRooms } from '../room/local-rooms';

/** A handover carries what metadata and attributes of all participants may take. */
const MAX_HANDOVER_BYTES = 64 << 20;

/**
 * What a Media Node answers of its Rooms on the node link:
 * `GET /rooms/<name>` whether it hosts one, `POST /rooms/<name>/handover` takes one over.
 */
export function roomPaths(options: {
  readonly rooms: LocalRooms;
  readonly hosted: HostedRooms;
}): LinkPath[] {
  const { rooms, hosted } = options;
  return [
    {
      prefix: '/rooms/',
      handle: async (request, response) => {
        const [, name, what] =
          /^\/rooms\/([^/]+)(\/handover)?$/.exec(urlOf(request).pathname) ?? [];
        if (name === undefined) {
          answerJson(response, 404, { code: 'not_found', message: 'no such path' });
        } else if (what === undefined) {
          answerWhether(response, hosted, decodeURIComponent(name));
        } else {
          const handover = handoverOf(await bodyOf(request, MAX_HANDOVER_BYTES));
          if (handover === undefined || handover.facts.name !== decodeURIComponent(name)) {
            answerJson(response, 400, { code: 'invalid', message: 'not a handover of this Room' });
            return;
          }
          await rooms.adopt(handover);
          answerJson(response, 200, {});
        }
      },
    },
  ];
}

function answerWhether(response: ServerResponse, hosted: HostedRooms, room: string): void {
  const epoch = hosted.epochOf(room);
  if (epoch === undefined) {
    answerJson(response, 404, { code: 'not_found', message: `Room ${room} is not hosted here` });
  } else {
    answerJson(response, 200, { epoch });
  }
}

function handoverOf(body: Buffer): RoomHandover | undefined {
  try {
    return roomHandoverSchema.parse(JSON.parse(body.toString()));
  } catch {
    return undefined;
  }
}
