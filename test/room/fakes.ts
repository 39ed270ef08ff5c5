import { EventEmitter } from 'node:events';
import {
  ClientInfo,
  SignalResponse,
  SimulcastCodecInfo,
  TrackInfo,
  TrackType,
} from '@livekit/protocol';
import type { Consumer, ConsumerLayers, Producer } from 'mediasoup/types';
import type { Grants, VideoGrants } from '../../node-image/room/grants';
import {
  type JoinOptions,
  Participant,
  type ParticipantEvents,
  type ParticipantParts,
} from '../../node-image/room/participant';
import { PublishedTrack } from '../../node-image/room/published-track';
import type { OutgoingSignal, SignalMessage, SignalSink } from '../../node-image/room/signal-sink';

type ValueOf<C> = Extract<SignalMessage, { case: C }>['value'];

/** A signal connection that keeps what is sent, as the client would read it. */
export class FakeSink implements SignalSink {
  readonly messages: SignalMessage[] = [];
  closed = false;

  send(signal: OutgoingSignal): void {
    const { message } = SignalResponse.fromBinary(signal.binary);
    if (message.case !== undefined) this.messages.push(message);
  }

  close(): void {
    this.closed = true;
  }

  get kinds(): string[] {
    return this.messages.map((message) => message.case);
  }

  /** What was sent of one kind, oldest first. */
  sent<C extends SignalMessage['case']>(kind: C): ValueOf<C>[] {
    return this.messages
      .filter((message) => message.case === kind)
      .map((message) => message.value as ValueOf<C>);
  }

  forget(): void {
    this.messages.length = 0;
  }
}

export function grants(identity: string, video: Partial<VideoGrants> = {}): Grants {
  return {
    apiKey: 'key',
    identity,
    name: '',
    metadata: '',
    attributes: {},
    kind: '',
    kindDetails: [],
    roomPreset: '',
    hasVideoClaim: true,
    video: {
      room: 'room',
      destinationRoom: '',
      roomCreate: false,
      roomList: false,
      roomRecord: false,
      roomAdmin: false,
      roomJoin: true,
      ingressAdmin: false,
      hidden: false,
      recorder: false,
      agent: false,
      canPublishSources: [],
      ...video,
    },
  };
}

export const JOIN: JoinOptions = {
  autoSubscribe: true,
  autoSubscribeDataTrack: true,
  adaptiveStream: false,
  client: new ClientInfo(),
  candidates: 'all',
};

export interface FakeParticipantOptions {
  readonly video?: Partial<VideoGrants>;
  readonly grants?: Partial<Grants>;
  /** Whose tracks it receives, by the sid of the publisher. */
  readonly receives?: ReadonlySet<string>;
  readonly events?: Partial<ParticipantEvents>;
  /** @default true */
  readonly joined?: boolean;
}

/** A real participant without media: what goes to it is kept in its sink. */
export function fakeParticipant(
  identity: string,
  options: FakeParticipantOptions = {},
): { participant: Participant; sink: FakeSink } {
  const participant = new Participant({
    grants: { ...grants(identity, options.video), ...options.grants },
    join: JOIN,
    nowMs: 1_700_000_000_123,
    events: {
      changed: () => {},
      published: () => {},
      codecAdded: () => {},
      unpublished: () => {},
      ...options.events,
    },
  });
  const sink = new FakeSink();
  participant.attachSink(sink);
  if (options.joined !== false) {
    const parts = {
      connections: { lost: false, close: () => {} },
      subscribing: {
        subscriptions: new Map(),
        receivesFrom: (sid: string) => options.receives?.has(sid) ?? false,
        close: () => {},
      },
    };
    participant.attach(parts as unknown as ParticipantParts);
  }
  return { participant, sink };
}

/** A producer that does what it is told. */
export class FakeProducer {
  closed = false;
  paused = false;
  score: { score: number }[] = [];

  constructor(readonly id: string) {}

  async pause(): Promise<void> {
    this.paused = true;
  }

  async resume(): Promise<void> {
    this.paused = false;
  }

  close(): void {
    this.closed = true;
  }

  get producer(): Producer {
    return this as unknown as Producer;
  }
}

/** A consumer whose answers come when the test lets them. */
export class FakeConsumer extends EventEmitter {
  readonly id = 'consumer';
  readonly calls: string[] = [];
  closed = false;
  paused = true;
  producerPaused = false;
  currentLayers: ConsumerLayers | undefined;
  score = { score: 10, producerScore: 10, producerScores: [10] };
  readonly rtpParameters = { encodings: [{ scalabilityMode: 'L3T3' }] };
  readonly #waiting: (() => void)[] = [];

  constructor(
    readonly type: 'simple' | 'simulcast' | 'svc' = 'simulcast',
    readonly slow = false,
  ) {
    super();
  }

  async pause(): Promise<void> {
    this.calls.push('pause');
    this.paused = true;
  }

  async resume(): Promise<void> {
    this.calls.push('resume');
    this.paused = false;
  }

  setPreferredLayers({ spatialLayer, temporalLayer }: ConsumerLayers): Promise<void> {
    this.calls.push(`layers ${spatialLayer}.${temporalLayer}`);
    return this.slow ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /** Lets what was asked be answered. */
  answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  close(): void {
    this.closed = true;
  }

  get consumer(): Consumer {
    return this as unknown as Consumer;
  }
}

/** A track of a camera or a microphone, with as many codecs as are named. */
export function fakeTrack(
  sid: string,
  mimeTypes: readonly string[] = ['video/VP8'],
  info: Partial<TrackInfo> = {},
): PublishedTrack {
  const type = mimeTypes[0]?.startsWith('audio') ? TrackType.AUDIO : TrackType.VIDEO;
  const codecs = mimeTypes.map((mimeType) => new SimulcastCodecInfo({ mimeType }));
  return new PublishedTrack(new TrackInfo({ sid, type, codecs, ...info }), `cid-${sid}`);
}

/** Lets everything that waits on promises only go on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
