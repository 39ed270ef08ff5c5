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
/** When a Room that was just on its way is looked for again, ms. */
const LOOK_AGAIN_MS = [50, 100, 200, 400, 800];

type Places = ReadonlyMap<string, RouteTarget>;

interface Question {
  readonly target: RouteTarget;
  /** Empty: all Rooms. */
  readonly names: string[];
}

/**
 * The Rooms of all nodes, or those of some names; the nodes are asked at the same time.
 *
 * A Room that moves between two answers may be in none of them: what is placed and missing is asked
 * for again. A node that does not answer in time is left out, with a warning in the log.
 *
 * @throws RoomError `unavailable` where there are nodes and none answers.
 */
export async function listRoomsOfNodes(
  options: ListRoomsOptions,
  request: ListRoomsRequest,
): Promise<Room[]> {
  const { routes } = options;
  const names = [...new Set(request.names)];
  const areFew = names.length > 0 && names.length <= NAMES_TO_FIND;
  const locate = (): Promise<Places | undefined> =>
    unlessAway(areFew ? findEach(routes, names) : placed(routes, names));

  const list = new RoomList(options);
  let places = areFew ? await locate() : undefined;
  const first = places ? byNode(places) : routes.all().map((target) => ({ target, names }));
  if ((await list.ask(first)) === 0 && first.length > 0) {
    const text = `none of ${first.length} Media Nodes answered, try again in a few seconds`;
    throw new RoomError('unavailable', text);
  }
  places ??= await locate();
  for (const waitMs of LOOK_AGAIN_MS) {
    if (places === undefined || list.missing(places).size === 0) break;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    places = await locate();
    await list.ask(byNode(list.missing(places ?? new Map())));
  }
  return list.rooms();
}

/** What the nodes answered so far. */
class RoomList {
  readonly #options: ListRoomsOptions;
  readonly #rooms = new Map<string, Room>();
  readonly #silent = new Set<string>();

  constructor(options: ListRoomsOptions) {
    this.#options = options;
  }

  rooms(): Room[] {
    return [...this.#rooms.values()];
  }

  /** Those that no answer had, of nodes that do answer. */
  missing(places: Places): Places {
    return new Map(
      [...places].filter(
        ([name, { nodeId }]) => !this.#rooms.has(name) && !this.#silent.has(nodeId),
      ),
    );
  }

  /** @returns how many answered. */
  async ask(questions: readonly Question[]): Promise<number> {
    const answers = await Promise.all(questions.map((question) => this.#ask(question)));
    return answers.filter(Boolean).length;
  }

  async #ask({ target, names }: Question): Promise<boolean> {
    const { link, timeoutMs, log } = this.#options;
    try {
      const request = new ListRoomsRequest({ names });
      const answer = await callNode(link, target, CONTROL_METHODS.listRooms, request, timeoutMs);
      answer.rooms.forEach((room) => void this.#add(room));
      return true;
    } catch (error) {
      this.#silent.add(target.nodeId);
      log.warn(
        { err: error, node: target.nodeId },
        'a Media Node did not list its Rooms: they are missing from the list',
      );
      return false;
    }
  }

  /** A Room that is just moving may be on two nodes: the one with more people in it says more. */
  #add(room: Room): void {
    const other = this.#rooms.get(room.name);
    if (other === undefined || other.numParticipants < room.numParticipants) {
      this.#rooms.set(room.name, room);
    }
  }
}

async function findEach(routes: RoomRoutes, names: readonly string[]): Promise<Places> {
  const found = await Promise.all(
    names.map(async (name) => [name, await routes.find(name)] as const),
  );
  return new Map(
    found.flatMap(([name, target]) => (target === undefined ? [] : [[name, target] as const])),
  );
}

async function placed(routes: RoomRoutes, names: readonly string[]): Promise<Places> {
  const wanted = new Set(names);
  const all = await routes.placed();
  return wanted.size === 0 ? all : new Map([...all].filter(([name]) => wanted.has(name)));
}

async function unlessAway(places: Promise<Places>): Promise<Places | undefined> {
  try {
    return await places;
  } catch (error) {
    if (error instanceof NoRouteError) {
      return undefined;
    }
    throw error;
  }
}

function byNode(places: Places): Question[] {
  const questions = new Map<string, Question>();
  for (const [name, target] of places) {
    const question = questions.get(target.nodeId) ?? { target, names: [] };
    question.names.push(name);
    questions.set(target.nodeId, question);
  }
  return [...questions.values()];
}
