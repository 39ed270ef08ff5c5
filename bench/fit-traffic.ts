/** What a scenario makes, from its description alone: as `sluice plan` goes by a description. */
import {
  addTraffic,
  layerUpTo,
  NO_TRAFFIC,
  type Stream,
  type Traffic,
  trafficOfOne,
  type VideoLayer,
} from '../node-image/capacity/traffic';
import type { LoadTrack } from './load-plan';
import type { Scenario, ScenarioParticipant } from './scenarios';

/** The load source's sound, where a track does not say otherwise. */
const AUDIO_BYTES = 80;
const AUDIO_PACKETS = 50;

export function trafficOfScenario({ participants }: Scenario): Traffic {
  return participants
    .map((participant) =>
      trafficOfOne({
        sends: (participant.publish ?? []).flatMap(streamsOf),
        ...receivedBy(participant, participants),
      }),
    )
    .reduce(addTraffic, NO_TRAFFIC);
}

function receivedBy(own: ScenarioParticipant, all: readonly ScenarioParticipant[]) {
  const { subscribe = 'all', wanted } = own;
  const tracks = all
    .filter(({ room, name }) => room === own.room && name !== own.name)
    .filter(
      ({ name }) => subscribe === 'all' || (subscribe !== 'none' && subscribe.only.includes(name)),
    )
    .flatMap(({ publish = [] }) => publish);
  const height = wanted?.height ?? Number.POSITIVE_INFINITY;
  return {
    receivesAudio: tracks.filter(({ kind }) => kind === 'audio').flatMap(streamsOf),
    receivesVideo: tracks
      .filter((track) => track.kind === 'video')
      .flatMap((track) => layerUpTo(layersOf(track), height) ?? []),
  };
}

function streamsOf(track: LoadTrack): readonly Stream[] {
  if (track.kind === 'video') return layersOf(track);
  const { bytes = AUDIO_BYTES, packetsPerSecond = AUDIO_PACKETS } = track;
  return [{ bitsPerSecond: bytes * 8 * packetsPerSecond, framesPerSecond: packetsPerSecond }];
}

const layersOf = ({ layers }: Extract<LoadTrack, { kind: 'video' }>): readonly VideoLayer[] =>
  layers.map(({ height, bitsPerSecond, fps }) => ({ height, bitsPerSecond, framesPerSecond: fps }));

/** When participants join, on average, seconds after the start. */
export const meanJoinSeconds = ({ participants }: Scenario): number =>
  participants.reduce((sum, { joinAtMs = 0 }) => sum + joinAtMs, 0) /
  (1_000 * Math.max(1, participants.length));
