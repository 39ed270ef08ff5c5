import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerJson, bodyOf, type LinkPath, urlOf } from '../api/cluster/link-requests';
import type { HostedRooms } from '../cluster/hosted-rooms';
import { decodeHandover, HandoverError, MAX_HANDOVER_BYTES } from '../room/handover';
import type { LocalRooms } from '../room/local-rooms';

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
          await takeOver(rooms, decodeURIComponent(name), request, response);
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

async function takeOver(
  rooms: LocalRooms,
  room: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const handover = decodeHandover(await bodyOf(request, MAX_HANDOVER_BYTES));
    if (handover.facts.name !== room) {
      throw new HandoverError(`this is the handover of another Room, ${handover.facts.name}`);
    }
    await rooms.adopt(handover);
    answerJson(response, 200, {});
  } catch (error) {
    if (!(error instanceof HandoverError)) {
      throw error;
    }
    answerJson(response, 400, { code: 'invalid', message: error.message });
  }
}
