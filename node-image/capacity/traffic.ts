/** What participants send and receive, as packets and bits. Pure. */

/** A layer of a simulcast, or sound. */
export interface Stream {
  readonly bitsPerSecond: number;
  /** Frames a second; of sound, packets. */
  readonly framesPerSecond: number;
}

export interface VideoLayer extends Stream {
  /** Of the picture, pixels. */
  readonly height: number;
}

/**
 * What LiveKit's clients send of a camera by default: up to three layers, lowest first. Source:
 * livekit-client, VideoPresets and defaultSimulcastPresets169.
 */
const LAYERS: readonly VideoLayer[] = [
  { height: 180, bitsPerSecond: 160_000, framesPerSecond: 20 },
  { height: 360, bitsPerSecond: 450_000, framesPerSecond: 20 },
  { height: 720, bitsPerSecond: 1_700_000, framesPerSecond: 30 },
  { height: 1080, bitsPerSecond: 3_000_000, framesPerSecond: 30 },
];
const layersOf = (...heights: readonly number[]): readonly VideoLayer[] =>
  LAYERS.filter(({ height }) => heights.includes(height));

/** Pictures that are sent, by their largest size; lowest layer first. */
export const VIDEO_PROFILES = {
  '360p': layersOf(180, 360),
  '720p': layersOf(180, 360, 720),
  '1080p': layersOf(180, 360, 1080),
} as const;

export type VideoSize = keyof typeof VIDEO_PROFILES;

/** Opus, 20 ms a packet; somebody who is silent sends less. */
export const AUDIO: Stream = { bitsPerSecond: 32_000, framesPerSecond: 50 };

/** Of a packet of pictures: what is left of the 1200 bytes that clients keep to. */
const PAYLOAD_BYTES = 1_160;
/** RTP with its extensions 24, SRTP 16, UDP 8, IPv4 20. */
const HEADER_BYTES = 68;
/** Reports and feedback of one participant, each way. Source: RFC 3550, transport-wide feedback. */
const FEEDBACK_BITS = 16_000;

/** Packets a second: each frame begins a new one. */
export function packetsPerSecond({ bitsPerSecond, framesPerSecond }: Stream): number {
  const frameBytes = bitsPerSecond / 8 / framesPerSecond;
  return Math.ceil(frameBytes / PAYLOAD_BYTES) * framesPerSecond;
}

/** On the wire, with all headers. */
export const wireBitsPerSecond = (stream: Stream): number =>
  stream.bitsPerSecond + packetsPerSecond(stream) * HEADER_BYTES * 8;

/** What one Room makes a node do, or all Rooms of it. */
export interface Traffic {
  readonly participants: number;
  /** Tracks that participants receive. */
  readonly subscriptions: number;
  /** Packets a second that participants send. */
  readonly received: number;
  /** Packets a second that participants are sent. */
  readonly forwardedVideo: number;
  readonly forwardedAudio: number;
  readonly bitsInPerSecond: number;
  readonly bitsOutPerSecond: number;
}

export const NO_TRAFFIC: Traffic = {
  participants: 0,
  subscriptions: 0,
  received: 0,
  forwardedVideo: 0,
  forwardedAudio: 0,
  bitsInPerSecond: 0,
  bitsOutPerSecond: 0,
};

/** A participant: what it sends, and what it receives of others. */
export interface TrafficOfOne {
  readonly sends: readonly Stream[];
  readonly receivesVideo: readonly Stream[];
  readonly receivesAudio: readonly Stream[];
}

const sumOf = (streams: readonly Stream[], of: (stream: Stream) => number): number =>
  streams.reduce((sum, stream) => sum + of(stream), 0);

/** What one participant makes. */
export function trafficOfOne({ sends, receivesVideo, receivesAudio }: TrafficOfOne): Traffic {
  return {
    participants: 1,
    subscriptions: receivesVideo.length + receivesAudio.length,
    received: sumOf(sends, packetsPerSecond),
    forwardedVideo: sumOf(receivesVideo, packetsPerSecond),
    forwardedAudio: sumOf(receivesAudio, packetsPerSecond),
    bitsInPerSecond: sumOf(sends, wireBitsPerSecond) + FEEDBACK_BITS,
    bitsOutPerSecond:
      sumOf(receivesVideo, wireBitsPerSecond) +
      sumOf(receivesAudio, wireBitsPerSecond) +
      FEEDBACK_BITS,
  };
}

export const addTraffic = (a: Traffic, b: Traffic): Traffic => combine(a, b, 1);

/** The same so many times. */
export const timesTraffic = (one: Traffic, count: number): Traffic =>
  combine(NO_TRAFFIC, one, count);

function combine(a: Traffic, b: Traffic, times: number): Traffic {
  return {
    participants: a.participants + times * b.participants,
    subscriptions: a.subscriptions + times * b.subscriptions,
    received: a.received + times * b.received,
    forwardedVideo: a.forwardedVideo + times * b.forwardedVideo,
    forwardedAudio: a.forwardedAudio + times * b.forwardedAudio,
    bitsInPerSecond: a.bitsInPerSecond + times * b.bitsInPerSecond,
    bitsOutPerSecond: a.bitsOutPerSecond + times * b.bitsOutPerSecond,
  };
}

/** Rooms as they are planned for: all of one kind. */
export interface RoomShape {
  /** They send, and receive what the other publishers send. */
  readonly publishers: number;
  /** They receive what all publishers send, and send nothing. */
  readonly viewers: number;
  /** What each publisher sends. @default no pictures */
  readonly video?: VideoSize | undefined;
  /** Whether each publisher sends sound. */
  readonly audio: boolean;
  /** The largest size in which anybody receives a picture. @default as large as it is sent */
  readonly watch?: VideoSize | undefined;
}

/** The highest of the layers that is no larger; the lowest where all are. */
export function layerUpTo(layers: readonly VideoLayer[], height: number): VideoLayer | undefined {
  return layers.filter((layer) => layer.height <= height).at(-1) ?? layers[0];
}

/** What one Room makes: all layers come in, and everybody receives everybody else. */
export function trafficOfRoom(room: RoomShape): Traffic {
  const { publishers, viewers, video, audio, watch = video } = room;
  const sent = video === undefined ? [] : VIDEO_PROFILES[video];
  const height = watch === undefined ? 0 : Number.parseInt(watch, 10);
  const received = layerUpTo(sent, height);
  const sources = (count: number): Pick<TrafficOfOne, 'receivesVideo' | 'receivesAudio'> => ({
    receivesVideo: received === undefined ? [] : Array.from({ length: count }, () => received),
    receivesAudio: audio ? Array.from({ length: count }, () => AUDIO) : [],
  });
  const publisher = trafficOfOne({
    sends: audio ? [...sent, AUDIO] : sent,
    ...sources(Math.max(0, publishers - 1)),
  });
  const viewer = trafficOfOne({ sends: [], ...sources(publishers) });
  return addTraffic(timesTraffic(publisher, publishers), timesTraffic(viewer, viewers));
}
