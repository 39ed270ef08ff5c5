/** What the bench measures: each scenario is a plan for the load source. */
import type { LoadParticipant, LoadPlan, LoadTrack } from './load-plan';

export interface Scenario {
  /** On the command line and in results: "viewers-50". */
  readonly name: string;
  /** Scenarios of one series differ by their size only; a server that loses too much at one is not given larger ones. */
  readonly series: string;
  readonly size: number;
  /** A sentence for the table. */
  readonly about: string;
  /** Longest run that is of use, seconds. @default as long as the bench was told */
  readonly seconds?: number;
  /** Run once only, where the smaller ones of its series neither lost packets nor were too much for the load source. @default false */
  readonly isSearch?: boolean;
  readonly participants: readonly ScenarioParticipant[];
}

/** A participant before it has a token. */
export interface ScenarioParticipant extends Omit<LoadParticipant, 'token'> {
  readonly room: string;
}

const AUDIO: LoadTrack = { kind: 'audio' };
const VIDEO: LoadTrack = {
  kind: 'video',
  layers: [
    { width: 320, height: 180, bitsPerSecond: 150_000, fps: 30 },
    { width: 640, height: 360, bitsPerSecond: 400_000, fps: 30 },
    { width: 1280, height: 720, bitsPerSecond: 1_200_000, fps: 30 },
  ],
};
/** Between two joins, so that a scenario does not begin by a storm. */
const JOIN_EVERY_MS = 25;

/** In the order in which they are run. */
export function allScenarios(): readonly Scenario[] {
  return [
    ...[10, 25, 50, 100, 200].map(viewers),
    ...[300, 400, 600]
      .map(viewers)
      .map(search)
      .map((one) => ({ ...one, seconds: 18 })),
    meeting(4, 20),
    ...[10, 50, 100].map((listeners) => audio(5, listeners)),
    ...[1, 2, 4].map(roomsOf8),
    ...[6, 8, 12, 16, 24, 32, 50].map(roomsOf8).map(search),
    sizes(30),
    joinStorm(100),
    data(4, 20),
    idle(1000),
    ...[250, 500, 1000].map(crowd).map(search),
  ];
}

const search = (scenario: Scenario): Scenario => ({ ...scenario, isSearch: true });

/** What `publishers` publishers and `viewers` viewers make of one Room. */
function oneRoom(
  publish: readonly LoadTrack[],
  publishers: number,
  count: number,
  further: (index: number) => Partial<ScenarioParticipant> = () => ({}),
): readonly ScenarioParticipant[] {
  return [
    ...many(publishers, (i) => ({
      name: `publisher${i}`,
      room: 'room',
      publish,
      subscribe: 'none',
    })),
    ...many(count, (i) => ({
      name: `viewer${i}`,
      room: 'room',
      joinAtMs: 1_000 + i * JOIN_EVERY_MS,
      ...further(i),
    })),
  ];
}

const viewers = (count: number): Scenario => ({
  name: `viewers-${count}`,
  series: 'viewers',
  size: count,
  about: `1 publisher of 720p simulcast → ${count} viewers`,
  participants: oneRoom([VIDEO], 1, count),
});

const meeting = (publishers: number, count: number): Scenario => ({
  name: `meeting-${publishers}-${count}`,
  series: 'meeting',
  size: count,
  about: `${publishers} publishers of 720p simulcast → ${count} viewers`,
  seconds: 16,
  participants: oneRoom([VIDEO], publishers, count),
});

const audio = (publishers: number, count: number): Scenario => ({
  name: `audio-${publishers}-${count}`,
  series: 'audio',
  size: count,
  about: `${publishers} publishers of audio → ${count} listeners`,
  seconds: 14,
  participants: oneRoom([AUDIO], publishers, count),
});

const roomsOf8 = (rooms: number): Scenario => ({
  name: `rooms-${rooms}`,
  series: 'rooms',
  size: rooms,
  about: `${rooms} Rooms of 8, all publish audio and 720p simulcast and subscribe to all`,
  seconds: 14,
  participants: many(rooms * 8, (i) => ({
    name: `participant${i}`,
    room: `room${Math.floor(i / 8)}`,
    publish: [AUDIO, VIDEO],
    joinAtMs: i * JOIN_EVERY_MS,
  })),
});

const sizes = (count: number): Scenario => ({
  name: `sizes-${count}`,
  series: 'sizes',
  size: count,
  about: `1 publisher of 720p simulcast → ${count} viewers, a third of them in each size`,
  seconds: 14,
  participants: oneRoom([VIDEO], 1, count, (i) => {
    const height = [180, 360, 720][i % 3] ?? 720;
    return { wanted: { width: (height * 16) / 9, height } };
  }),
});

const joinStorm = (count: number): Scenario => ({
  name: `storm-${count}`,
  series: 'storm',
  size: count,
  about: `1 publisher of 720p simulcast, ${count} viewers join at once`,
  seconds: 12,
  participants: oneRoom([VIDEO], 1, count, () => ({ joinAtMs: 2_000 })),
});

const data = (senders: number, count: number): Scenario => ({
  name: `data-${senders}-${count}`,
  series: 'data',
  size: count,
  about: `${senders} participants send 20 reliable messages of 500 bytes a second → ${senders + count} participants`,
  seconds: 12,
  participants: many(senders + count, (i) => ({
    name: `participant${i}`,
    room: 'room',
    joinAtMs: i * JOIN_EVERY_MS,
    ...(i < senders ? { data: { perSecond: 20, bytes: 500 } } : {}),
  })),
});

const idle = (count: number): Scenario => ({
  name: `idle-${count}`,
  series: 'idle',
  size: count,
  about: `${count} signal connections in Rooms of 10, without peer connections`,
  seconds: 12,
  participants: many(count, (i) => ({
    name: `participant${i}`,
    room: `room${Math.floor(i / 10)}`,
    joinAtMs: i * 5,
    media: false,
  })),
});

const crowd = (count: number): Scenario => ({
  name: `crowd-${count}`,
  series: 'crowd',
  size: count,
  about: `${count} participants of one Room, joining within 8 s, with a signal connection and without media`,
  seconds: 12,
  participants: many(count, (i) => ({
    name: `participant${i}`,
    room: 'room',
    joinAtMs: Math.floor((i * 8_000) / count),
    media: false,
  })),
});

function many(
  count: number,
  make: (index: number) => ScenarioParticipant,
): readonly ScenarioParticipant[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** The plan of a scenario; `token` makes what lets a participant join. */
export async function planOf(
  scenario: Scenario,
  options: {
    readonly url: string;
    readonly seconds: number;
    readonly token: (room: string, identity: string) => Promise<string>;
  },
): Promise<LoadPlan> {
  const participants = await Promise.all(
    scenario.participants.map(async ({ room, ...participant }) => ({
      ...participant,
      token: await options.token(room, participant.name),
    })),
  );
  return { url: options.url, seconds: options.seconds, intervalSeconds: 1, participants };
}
