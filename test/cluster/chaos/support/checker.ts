import type { Look, Observations, Outage, Span } from './observations';
import { timeOutside } from './spans';

/** How long something may be wrong before it counts, ms. */
export interface Limits {
  /** A client without what it is to get, while a path is whole. */
  readonly stuckMs: number;
  /** A Room on two nodes that both reach Redis. */
  readonly twiceMs: number;
  /** A record of a node that is gone. */
  readonly deadNodeMs: number;
  /** A node that runs, and of which there is no record. */
  readonly unknownNodeMs: number;
  /** A Room that a node has, and that is not placed there. */
  readonly unknownRoomMs: number;
  /** A Room that is placed on a node that does not have it. */
  readonly strayRoomMs: number;
  /** A Room that is placed on a node that is gone. */
  readonly abandonedRoomMs: number;
}

export const LIMITS: Limits = {
  stuckMs: 15_000,
  twiceMs: 6_000,
  // 5 s without a heartbeat, and 10 s of grace after Redis was away.
  deadNodeMs: 20_000,
  unknownNodeMs: 15_000,
  unknownRoomMs: 10_000,
  // Nodes look for strays every 30 s, and have to see one twice.
  strayRoomMs: 75_000,
  // Of a dead node 90 s, once the registry has been there for 60 s.
  abandonedRoomMs: 170_000,
};

/**
 * A client that loses its node while it connects finds out by its SDK's own time-out, whatever the
 * servers do. Source: livekit rust-sdks, rtc_session.rs, wait_pc_connection; ms.
 */
const SDK_CONNECT_MS = 15_000;

export const RULES = [
  'room hosted twice',
  'client stuck',
  'call dropped',
  'leaked record',
  'leaked object',
] as const;

export interface Violation {
  readonly rule: (typeof RULES)[number];
  /** When it began to be wrong. */
  readonly atMs: number;
  readonly text: string;
}

/** What is wrong with what was seen. Pure. */
export function check(seen: Observations, limits: Limits = LIMITS): Violation[] {
  return [
    ...hostedTwice(seen, limits),
    ...stuckClients(seen, limits),
    ...droppedCalls(seen),
    ...leakedRecords(seen, limits),
    ...leakedObjects(seen),
  ];
}

const outagesOf = (outages: readonly Outage[], ...kinds: readonly Outage['what'][]): Outage[] =>
  outages.filter(({ what }) => kinds.includes(what));

function hostedTwice({ looks, outages }: Observations, { twiceMs }: Limits): Violation[] {
  const hosts = (look: Look): string[] => {
    const byRoom = new Map<string, string[]>();
    for (const { nodeId, rooms = [] } of look.nodes) {
      for (const room of rooms) byRoom.set(room, [...(byRoom.get(room) ?? []), nodeId]);
    }
    return [...byRoom].filter(([, ids]) => ids.length > 1).map(([room]) => room);
  };
  return lasting(looks, hosts, outagesOf(outages, 'network', 'redis'), twiceMs).map(
    ({ what, fromMs, lastedMs }) => ({
      rule: 'room hosted twice',
      atMs: fromMs,
      text: `Room ${what} was on two nodes for ${lastedMs} ms`,
    }),
  );
}

function stuckClients({ streams, outages, hits }: Observations, { stuckMs }: Limits): Violation[] {
  const away = outagesOf(outages, 'masters', 'media', 'redis');
  return streams.flatMap(({ room, client, peer, kind, seenMs, connecting, fromMs, toMs }) => {
    const excused: readonly Span[] = hits
      .filter((hit) => connecting.some((span) => hit >= span.fromMs && hit <= span.toMs))
      .map((hit) => ({ fromMs: hit, toMs: hit + SDK_CONNECT_MS }));
    const times = [fromMs, ...seenMs.filter((time) => time > fromMs && time < toMs), toMs];
    return times.flatMap((time, i): Violation[] => {
      const last = times[i - 1] ?? time;
      const waited = timeOutside([...away, ...excused], last, time);
      const text = `${client} in ${room} got no ${kind} of ${peer} for ${waited} ms`;
      return waited > stuckMs ? [{ rule: 'client stuck', atMs: last, text }] : [];
    });
  });
}

const droppedCalls = ({ drops }: Observations): Violation[] =>
  drops.map(({ client, atMs, why }) => ({
    rule: 'call dropped',
    atMs,
    text: `${client} was disconnected by itself: ${why}`,
  }));

function leakedRecords({ looks, outages }: Observations, limits: Limits): Violation[] {
  const away = outagesOf(outages, 'network', 'redis');
  const rules: readonly [limit: number, wrong: (look: Look) => string[]][] = [
    [limits.deadNodeMs, deadNodes],
    [limits.unknownNodeMs, unknownNodes],
    [limits.unknownRoomMs, unknownRooms],
    [limits.strayRoomMs, strayRooms],
    [limits.abandonedRoomMs, abandonedRooms],
  ];
  // What was wrong before Redis was asked in vain, and is so after, was so all the time.
  const answered = looks.filter(({ registry }) => registry !== undefined);
  return rules.flatMap(([limit, wrong]) =>
    lasting(answered, wrong, away, limit).map(({ what, fromMs, lastedMs }) => ({
      rule: 'leaked record' as const,
      atMs: fromMs,
      text: `${what} for ${lastedMs} ms`,
    })),
  );
}

/**
 * What does not fit of one look: what is there and not written down, and nodes that are gone. Rooms
 * that are gone are taken away much later.
 */
export const mismatches = (look: Look): string[] =>
  [deadNodes, unknownNodes, unknownRooms].flatMap((wrong) => wrong(look));

const running = ({ nodes }: Look): Set<string> => new Set(nodes.map(({ nodeId }) => nodeId));

function deadNodes(look: Look): string[] {
  const ids = running(look);
  const listed = look.registry?.nodes ?? [];
  return listed.filter((id) => !ids.has(id)).map((id) => `a record of node ${id}, which is gone,`);
}

function unknownNodes(look: Look): string[] {
  if (look.registry === undefined) return [];
  const listed = new Set(look.registry.nodes);
  return [...running(look)]
    .filter((id) => !listed.has(id))
    .map((id) => `no record of node ${id}, which runs,`);
}

function unknownRooms({ nodes, registry }: Look): string[] {
  if (registry === undefined) return [];
  const placed = new Map(registry.rooms.map(({ room, nodeId }) => [room, nodeId]));
  return nodes.flatMap(({ nodeId, rooms = [] }) =>
    rooms
      .filter((room) => placed.get(room) !== nodeId)
      .map((room) => `Room ${room} runs on ${nodeId} and is not placed there,`),
  );
}

function strayRooms({ nodes, registry }: Look): string[] {
  const byId = new Map(nodes.map(({ nodeId, rooms }) => [nodeId, rooms]));
  return (registry?.rooms ?? [])
    .filter(({ room, nodeId }) => byId.get(nodeId)?.includes(room) === false)
    .map(({ room, nodeId }) => `Room ${room} is placed on ${nodeId}, which does not have it,`);
}

function abandonedRooms(look: Look): string[] {
  const ids = running(look);
  return (look.registry?.rooms ?? [])
    .filter(({ nodeId }) => !ids.has(nodeId))
    .map(({ room, nodeId }) => `Room ${room} is placed on ${nodeId}, which is gone,`);
}

const leakedObjects = ({ counts }: Observations): Violation[] =>
  counts
    // Also where there is no figure.
    .filter(({ before, after, slack }) => !(after <= before + slack))
    .map(({ process, what, before, after }) => ({
      rule: 'leaked object',
      atMs: 0,
      text: `${process} has ${after} ${what}, where it had ${before} at first`,
    }));

interface Lasting extends Span {
  readonly what: string;
  readonly lastedMs: number;
}

/** What was wrong in one look after the other for longer than a limit, outages left out. */
function lasting(
  looks: readonly Look[],
  wrong: (look: Look) => string[],
  away: readonly Span[],
  limitMs: number,
): Lasting[] {
  const since = new Map<string, number>();
  const found = new Map<string, Lasting>();
  for (const look of looks) {
    const now = new Set(wrong(look));
    for (const what of since.keys()) if (!now.has(what)) since.delete(what);
    for (const what of now) {
      const fromMs = since.get(what) ?? look.atMs;
      since.set(what, fromMs);
      const lastedMs = timeOutside(away, fromMs, look.atMs);
      if (lastedMs > limitMs) {
        found.set(`${fromMs} ${what}`, { what, fromMs, toMs: look.atMs, lastedMs });
      }
    }
  }
  return [...found.values()];
}
