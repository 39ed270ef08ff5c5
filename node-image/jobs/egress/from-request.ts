import {
  AudioMixing,
  type EncodedFileOutput,
  EncodingOptionsPreset,
  type ImageOutput,
  type Output,
  type ParticipantEgressRequest,
  type RoomCompositeEgressRequest,
  type SegmentedFileOutput,
  type StartEgressRequest,
  type StreamOutput,
  StreamProtocol,
  type TrackCompositeEgressRequest,
  type TrackEgressRequest,
  type WebEgressRequest,
} from '@livekit/protocol';
import { chosenCodecs } from './codec-choice';
import { EgressError, invalidInput, ownMixing } from './egress-error';
import { DEFAULT_ENCODING, type EncodingChoice, encodingOf } from './encoding';
import { type ChosenMedia, chosenMedia } from './media-choice';
import { fileOutput, imagesOutput, segmentsOutput, streamOutput } from './output-choice';
import type { EgressKind, EgressSpec, OutputSpec, SourceSpec } from './spec';
import { type DefaultStorage, type StorageMessage, storageOf } from './storage-choice';

/** A request of any version, as EgressInfo carries it too. */
export type EgressRequest =
  | { readonly case: 'egress'; readonly value: StartEgressRequest }
  | { readonly case: 'roomComposite'; readonly value: RoomCompositeEgressRequest }
  | { readonly case: 'web'; readonly value: WebEgressRequest }
  | { readonly case: 'participant'; readonly value: ParticipantEgressRequest }
  | { readonly case: 'trackComposite'; readonly value: TrackCompositeEgressRequest }
  | { readonly case: 'track'; readonly value: TrackEgressRequest };

interface Wanted {
  readonly kind: EgressKind;
  readonly room: string;
  readonly source: SourceSpec;
  readonly audio: boolean;
  readonly video: boolean;
  readonly passthrough?: boolean;
  readonly encoding: EncodingChoice;
  readonly outputs: OutputSpec[];
}

/**
 * Brings a request of any version into one form, and checks that it can be done.
 *
 * @throws EgressError in LiveKit's words.
 */
export function specOf(request: EgressRequest, storage: DefaultStorage): EgressSpec {
  const wanted = wantedOf(request, storage);
  if (wanted.outputs.length === 0) throw invalidInput('output');
  if (wanted.outputs.length > 16) throw invalidInput('outputs (at most 16)');
  if (wanted.outputs.filter(({ kind }) => kind === 'stream').length > 1) {
    throw invalidInput('multiple stream outputs (put all URLs into one)');
  }
  const { encoding, passthrough = false, ...rest } = wanted;
  const spec: EgressSpec = {
    ...rest,
    video: rest.video && !isRawAlone(rest),
    roomId: '',
    passthrough,
    encoding: passthrough ? DEFAULT_ENCODING : encodingOf(encoding),
  };
  // Throws where the outputs do not go together.
  if (!passthrough) chosenCodecs(spec);
  return spec;
}

/**
 * Whether sound by WebSocket is all that is wanted: of such a request LiveKit takes no picture.
 *
 * @throws EgressError where there is no sound in it
 */
function isRawAlone({ outputs, audio, kind }: Pick<Wanted, 'outputs' | 'audio' | 'kind'>): boolean {
  const raw = outputs.filter((output) => output.kind === 'stream' && output.raw);
  if (raw.length > 0 && !audio) throw invalidInput('websocket output of an Egress without audio');
  // Of one track it is known when it is there.
  return raw.length > 0 && raw.length === outputs.length && kind !== 'track';
}

function wantedOf(request: EgressRequest, storage: DefaultStorage): Wanted {
  switch (request.case) {
    case 'egress':
      return fromUnified(request.value, storage);
    case 'roomComposite':
      return fromRoomComposite(request.value, storage);
    case 'web':
      return fromWeb(request.value, storage);
    case 'participant':
      return fromParticipant(request.value, storage);
    case 'trackComposite':
      return fromTrackComposite(request.value, storage);
    case 'track':
      return fromTrack(request.value, storage);
  }
}

function fromRoomComposite(value: RoomCompositeEgressRequest, storage: DefaultStorage): Wanted {
  requireRoom(value.roomName);
  return {
    kind: 'room_composite',
    room: value.roomName,
    source: {
      kind: 'template',
      layout: value.layout,
      customBaseUrl: httpUrl(value.customBaseUrl, 'custom_base_url'),
      audioMixing: audioMixingOf(value),
    },
    ...mediaOf(value),
    encoding: value.options,
    outputs: outputsOf(value, storage),
  };
}

const AUDIO_MIXING = {
  [AudioMixing.DEFAULT_MIXING]: 'both',
  [AudioMixing.DUAL_CHANNEL_AGENT]: 'agent',
  [AudioMixing.DUAL_CHANNEL_ALTERNATE]: 'alternate',
} as const;

function audioMixingOf({ audioMixing, customBaseUrl, videoOnly }: RoomCompositeEgressRequest) {
  const mixing = AUDIO_MIXING[audioMixing];
  if (mixing === undefined) throw invalidInput('audio_mixing');
  if (mixing === 'both') return mixing;
  if (videoOnly) throw invalidInput('audio_mixing (of a request with video_only)');
  if (customBaseUrl !== '') throw ownMixing('custom_base_url');
  return mixing;
}

function fromWeb(value: WebEgressRequest, storage: DefaultStorage): Wanted {
  if (value.url === '') throw invalidInput('url');
  return {
    kind: 'web',
    room: '',
    source: {
      kind: 'web',
      url: httpUrl(value.url, 'url'),
      awaitStartSignal: value.awaitStartSignal,
    },
    ...mediaOf(value),
    encoding: value.options,
    outputs: outputsOf(value, storage),
  };
}

function fromParticipant(value: ParticipantEgressRequest, storage: DefaultStorage): Wanted {
  requireRoom(value.roomName);
  if (value.identity === '') throw invalidInput('identity');
  return {
    kind: 'participant',
    room: value.roomName,
    source: { kind: 'participant', identity: value.identity, screenShare: value.screenShare },
    audio: true,
    video: true,
    encoding: value.options,
    outputs: outputsOf(value, storage),
  };
}

function fromTrackComposite(value: TrackCompositeEgressRequest, storage: DefaultStorage): Wanted {
  requireRoom(value.roomName);
  const { audioTrackId, videoTrackId } = value;
  if (audioTrackId === '' && videoTrackId === '') {
    throw invalidInput('audio_track_id or video_track_id');
  }
  return {
    kind: 'track_composite',
    room: value.roomName,
    source: { kind: 'tracks', audioTrackId, videoTrackId },
    audio: audioTrackId !== '',
    video: videoTrackId !== '',
    encoding: value.options,
    outputs: outputsOf(value, storage),
  };
}

function fromTrack(value: TrackEgressRequest, storage: DefaultStorage): Wanted {
  requireRoom(value.roomName);
  if (value.trackId === '') throw invalidInput('track_id');
  const { output } = value;
  if (output.case === undefined) throw invalidInput('output');
  const outputs =
    output.case === 'websocketUrl'
      ? [streamOutput({ protocol: StreamProtocol.WEBSOCKET, urls: [output.value] })]
      : [fileOutput(output.value, storageOf(output.value.output, storage))];
  return {
    kind: 'track',
    room: value.roomName,
    source: { kind: 'track', trackId: value.trackId },
    audio: true,
    video: true,
    passthrough: true,
    encoding: { case: undefined },
    outputs,
  };
}

function fromUnified(value: StartEgressRequest, storage: DefaultStorage): Wanted {
  const byDefault =
    value.storage === undefined ? storage : storageOf(value.storage.provider, storage);
  const outputs = value.outputs.map((output) => unifiedOutput(output, byDefault));
  const passthrough =
    value.encoding.case === 'preset' && value.encoding.value === EncodingOptionsPreset.PASSTHROUGH;
  const common = { room: value.roomName, encoding: value.encoding, outputs };
  const { source } = value;
  switch (source.case) {
    case 'template': {
      requireRoom(value.roomName);
      const { layout, customBaseUrl } = source.value;
      return {
        ...common,
        kind: 'room_composite',
        source: {
          kind: 'template',
          layout,
          customBaseUrl: httpUrl(customBaseUrl, 'custom_base_url'),
          audioMixing: 'both',
        },
        ...mediaOf(source.value),
      };
    }
    case 'web': {
      if (source.value.url === '') throw invalidInput('url');
      const { url, awaitStartSignal } = source.value;
      return {
        ...common,
        kind: 'web',
        source: { kind: 'web', url: httpUrl(url, 'url'), awaitStartSignal },
        ...mediaOf(source.value),
      };
    }
    case 'media':
      requireRoom(value.roomName);
      return { ...common, ...copied(chosenMedia(source.value), passthrough) };
    default:
      throw invalidInput('source');
  }
}

/** What is mixed has to be encoded. */
function copied(
  media: ChosenMedia,
  passthrough: boolean,
): ChosenMedia & Pick<Wanted, 'passthrough'> {
  if (!passthrough) return media;
  if (media.source.kind === 'media')
    throw invalidInput('preset (PASSTHROUGH is for single tracks)');
  return { ...media, passthrough };
}

function unifiedOutput(output: Output, byDefault: DefaultStorage): OutputSpec {
  const { config } = output;
  const storage = () => storageOf(output.storage?.provider ?? { case: undefined }, byDefault);
  switch (config.case) {
    case 'file':
      return fileOutput(config.value, storage());
    case 'segments':
      return segmentsOutput(config.value, storageOf(ownStorage(config.value, output), byDefault));
    case 'images':
      return imagesOutput(config.value, storageOf(ownStorage(config.value, output), byDefault));
    case 'stream':
      return streamOutput(config.value);
    default:
      throw invalidInput('output');
  }
}

const ownStorage = (config: { readonly output: StorageMessage }, output: Output): StorageMessage =>
  config.output.case === undefined ? (output.storage?.provider ?? config.output) : config.output;

interface Outputs {
  readonly output?:
    | { readonly case: 'file'; readonly value: EncodedFileOutput }
    | { readonly case: 'stream'; readonly value: StreamOutput }
    | { readonly case: 'segments'; readonly value: SegmentedFileOutput }
    | { readonly case: undefined; readonly value?: undefined };
  readonly fileOutputs: readonly EncodedFileOutput[];
  readonly streamOutputs: readonly StreamOutput[];
  readonly segmentOutputs: readonly SegmentedFileOutput[];
  readonly imageOutputs: readonly ImageOutput[];
}

/** Of the calls of version 1: one `output` of old, or lists. */
function outputsOf(given: Outputs, storage: DefaultStorage): OutputSpec[] {
  const old = given.output;
  const files = [...given.fileOutputs, ...(old?.case === 'file' ? [old.value] : [])];
  const streams = [...given.streamOutputs, ...(old?.case === 'stream' ? [old.value] : [])];
  const segments = [...given.segmentOutputs, ...(old?.case === 'segments' ? [old.value] : [])];
  return [
    ...files.map((one) => fileOutput(one, storageOf(one.output, storage))),
    ...segments.map((one) => segmentsOutput(one, storageOf(one.output, storage))),
    ...given.imageOutputs.map((one) => imagesOutput(one, storageOf(one.output, storage))),
    ...streams.map((one) => streamOutput(one)),
  ];
}

function mediaOf({ audioOnly, videoOnly }: { audioOnly: boolean; videoOnly: boolean }) {
  if (audioOnly && videoOnly) throw invalidInput('audio_only and video_only');
  return { audio: !videoOnly, video: !audioOnly };
}

function requireRoom(room: string): void {
  if (room === '') throw invalidInput('room_name');
}

function httpUrl(given: string, field: string): string {
  if (given === '') return '';
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new EgressError(
      'invalid_argument',
      `${invalidInput(field).message}: it has to be http(s)://…`,
    );
  }
  return given;
}
