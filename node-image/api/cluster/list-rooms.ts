import { ListRoomsRequest, type Room } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { LinkClient } from '../../cluster/link/link';
import { NoRouteError, type RoomRoutes, type RouteTarget } from '../../cluster/room-routes';
import { RoomError } from '../../room/errors';
import { callNode } from './control-call';
import { CONTROL_METHODS } from './control-methods';

export interface ListRoomsOptions {
  readonly routes: RoomRoutes;
  readonly link: LinkClient;
  /** How long each node may take, ms. */
  readonly timeoutMs: number;
  readonly log: Pick<Logger, 'warn'>;
}

/** For more names than that, asking every node is less than asking where each Room is. */
const NAMES_TO_FIND = 20;

interface Question {
  readonly target: RouteTarget;
  /** Empty: all Rooms. */
  readonly names: readonly string[];
}

/**
 * The Rooms of all nodes, or those of some names; the nodes are asked at the same time.
 *
 * A node that does not answer in time is left out, with a warning in the log.
 *
 * @throws RoomError `unavailable` where there are nodes and none answers.
 */
export async function listRoomsOfNodes(
  options: ListRoomsOptions,
  { names }: ListRoomsRequest,
): Promise<Room[]> {
  const questions = await questionsFor(options.routes, [...new Set(names)]);
  const answers = await Promise.all(questions.map((question) => ask(options, question)));
  const answered = answers.filter((answer) => answer !== undefined);
  if (answers.length > 0 && answered.length === 0) {
    const text = `none of ${answers.length} Media Nodes answered, try again in a few seconds`;
    throw new RoomError('unavailable', text);
  }
  return merged(answered.flat());
}

async function questionsFor(routes: RoomRoutes, names: readonly string[]): Promise<Question[]> {
  const everybody = (): Question[] => routes.all().map((target) => ({ target, names }));
  if (names.length === 0 || names.length > NAMES_TO_FIND) {
    return everybody();
  }
  try {
    const found = await Promise.all(
      names.map(async (name) => ({ name, target: await routes.find(name) })),
    );
    const questions = new Map<string, { target: RouteTarget; names: string[] }>();
    for (const { name, target } of found) {
      if (target === undefined) continue;
      const question = questions.get(target.nodeId) ?? { target, names: [] };
      question.names.push(name);
      questions.set(target.nodeId, question);
    }
    return [...questions.values()];
  } catch (error) {
    if (error instanceof NoRouteError) {
      return everybody();
    }
    throw error;
  }
}

async function ask(
  { link, timeoutMs, log }: ListRoomsOptions,
  { target, names }: Question,
): Promise<Room[] | undefined> {
  try {
    const request = new ListRoomsRequest({ names: [...names] });
    const answer = await callNode(link, target, CONTROL_METHODS.listRooms, request, timeoutMs);
    return answer.rooms;
  } catch (error) {
    log.warn(
      { err: error, node: target.nodeId },
      'a Media Node did not list its Rooms: they are missing from the list',
    );
    return undefined;
  }
}

/** A Room that is just moving may be on two nodes: the one with more people in it says more. */
function merged(rooms: readonly Room[]): Room[] {
  const byName = new Map<string, Room>();
  for (const room of rooms) {
    const other = byName.get(room.name);
    if (other === undefined || other.numParticipants < room.numParticipants) {
      byName.set(room.name, room);
    }
  }
  return [...byName.values()];
}
