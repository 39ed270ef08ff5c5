import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { egressErrorForCaller, egressService } from '../api/jobs/egress-service';
import type { KeySource } from '../api/key-ring';
import type { RoomEgressStarter } from '../api/room-service';
import { TokenMinter } from '../api/token-minter';
import type { TwirpService } from '../api/twirp';
import { deriveKey } from '../cluster/sealed-text';
import type { SluiceConfig } from '../contract';
import { AutoEgress, type AutoEgressOptions } from '../jobs/egress/auto-egress';
import { ofParticipant, ofRoom, ofTrack } from '../jobs/egress/auto-egress-requests';
import { configuredStorage } from '../jobs/egress/configured-storage';
import { EgressControl } from '../jobs/egress/egress-control';
import { ownMixing } from '../jobs/egress/egress-error';
import { type EgressLauncher, JobEgresses } from '../jobs/egress/egress-launcher';
import { type EgressObserver, EgressRules } from '../jobs/egress/egress-rules';
import type { EgressLimits } from '../jobs/egress/egress-run';
import { EgressRunner, type SourceNeeds } from '../jobs/egress/egress-runner';
import { PageServer } from '../jobs/egress/page-server';
import { missingPrograms } from '../jobs/egress/programs';
import { SpecSealer } from '../jobs/egress/sealed-spec';
import type { EgressSource } from '../jobs/egress/source';
import type { EgressSpec, SourceSpec } from '../jobs/egress/spec';
import type { DefaultStorage } from '../jobs/egress/storage-choice';
import { TracksSource, type TracksSourceOptions } from '../jobs/egress/tracks/tracks-source';
import { openStorage } from '../jobs/egress/upload/open-storage';
import { WebSource } from '../jobs/egress/web/web-source';
import { sweepWorkFolders } from '../jobs/egress/work-folders';
import type { JobDispatcher } from '../jobs/job-dispatcher';
import type { JobStore } from '../jobs/job-store';
import type { RoomControl } from '../room/room-control';
import type { Closers } from './closers';

/** So long the token of a recorder is good for joining, in s: a Room that moves is joined anew. */
const TOKEN_SECONDS = 24 * 3600;

/** What seals requests: of all nodes of a cluster, or of a Single Node that keeps them in memory. */
export function specSealer({ sluice }: SluiceConfig): SpecSealer {
  const { secret, previous_secret: previous } = sluice.cluster;
  const keyOf = (from: string): Uint8Array => deriveKey(from, 'sluice egress requests');
  return new SpecSealer(keyOf(secret), previous === '' ? undefined : keyOf(previous));
}

/** Of a Single Node: gone with it, as its jobs are. */
export const memorySealer = (): SpecSealer => new SpecSealer(randomBytes(32));

/** Where recorders on this very machine find its signaling. */
export function loopbackUrl(port: number, bindAddresses: readonly string[]): string {
  const [first] = bindAddresses;
  const any = first === undefined || ['0.0.0.0', '::'].includes(first);
  const loopback = bindAddresses.find((address) => address.startsWith('127.'));
  const host = any ? '127.0.0.1' : (loopback ?? first);
  return `ws://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What makes the Egresses that start by themselves, on a node that has Rooms: it observes them. */
export function roomEgress(options: {
  readonly config: SluiceConfig;
  readonly store: JobStore;
  readonly sealer: SpecSealer;
  /** Asked when there are Rooms. */
  readonly rooms: AutoEgressOptions['rooms'];
  readonly log: Logger;
  readonly closers: Closers;
}): AutoEgress {
  const { config, closers, ...parts } = options;
  const keepsRequest = config.egress.service === 'livekit';
  const auto = new AutoEgress({ ...parts, storage: storageByDefault(config), keepsRequest });
  closers.add(() => auto.close());
  return auto;
}

export const egressRules = (
  { egress }: SluiceConfig,
  observer: Pick<EgressObserver, 'egressEnded'>,
): EgressRules => new EgressRules({ costs: egress.cpu_cost, observer });

export interface EgressRunnerParts {
  readonly config: SluiceConfig;
  readonly sealer: SpecSealer;
  readonly observer: EgressObserver;
  /** What signs the tokens of recorders. */
  readonly keys: KeySource;
  /** Where recorders find the signaling of this server. */
  readonly wsUrl: () => Promise<string>;
  readonly openRoom: TracksSourceOptions['openRoom'];
  readonly log: Logger;
  readonly closers: Closers;
}

/** Runs Egresses on a node with media. */
export function egressRunner(parts: EgressRunnerParts): EgressRunner {
  const { config, sealer, observer, log, closers } = parts;
  const { egress } = config;
  const pages = new PageServer();
  closers.add(() => pages.close());
  const workFolder = egress.work_directory || tmpdir();
  if (egress.work_directory !== '') mkdirSync(workFolder, { recursive: true, mode: 0o700 });
  void sweepWorkFolders(workFolder).catch((error: unknown) => {
    log.warn({ err: error }, 'what earlier recordings have left could not be taken away');
  });
  const localRoot = egress.local_directory === '' ? '' : resolve(egress.local_directory);
  return new EgressRunner({
    rules: egressRules(config, observer),
    sealer,
    observer,
    makeSource: (needs) => makeSource(parts, pages, needs),
    openStorage: (storage) => openStorage(storage, localRoot, config.sluice.cloud.identity),
    backup: configuredStorage(config, 'backup'),
    missing: ({ source }) => missingPrograms(source, egress.browser),
    limitsOf: (spec) => limitsOf(spec, egress.session_limits),
    workFolder,
    log,
  });
}

function makeSource(parts: EgressRunnerParts, pages: PageServer, needs: SourceNeeds): EgressSource {
  const { source, room } = needs.spec;
  const { openRoom, log } = parts;
  switch (source.kind) {
    case 'web':
      return webSource(parts, needs, source.awaitStartSignal, async () => source.url);
    case 'template':
      return webSource(parts, needs, true, () => templateUrl(parts, pages, needs, source));
    case 'media':
      return webSource(parts, needs, true, async () => {
        const url = await joiningUrl(parts, needs, await pages.url());
        const { kind: _kind, ...media } = source;
        url.searchParams.set('media', JSON.stringify(media));
        return url.href;
      });
    case 'participant': {
      const { identity, screenShare } = source;
      const request = { kind: 'participant', identity, screenShare } as const;
      return new TracksSource({ room, request, openRoom, log });
    }
    case 'track': {
      const request = { kind: 'track', trackSid: source.trackId } as const;
      return new TracksSource({ room, request, openRoom, log });
    }
    case 'tracks': {
      const { audioTrackId, videoTrackId } = source;
      const request = {
        kind: 'tracks',
        ...(audioTrackId !== '' && { audioSid: audioTrackId }),
        ...(videoTrackId !== '' && { videoSid: videoTrackId }),
      } as const;
      return new TracksSource({ room, request, openRoom, log });
    }
  }
}

function webSource(
  { config, log }: EgressRunnerParts,
  { spec, folder, egressId }: SourceNeeds,
  awaitStartSignal: boolean,
  url: () => Promise<string>,
): WebSource {
  const { browser, enable_chrome_sandbox, insecure, start_signal_timeout } = config.egress;
  const { width, height, framerate } = spec.encoding;
  return new WebSource({
    url,
    awaitStartSignal,
    ...{ width, height, framerate, folder, browser, insecure },
    audio: spec.audio,
    video: spec.video,
    sandbox: enable_chrome_sandbox,
    startTimeoutMs: start_signal_timeout,
    onPageLog: (type, text) => log.debug({ egress: egressId, type, text }, 'a recorded page says'),
  });
}

/** Source: livekit/egress, web.go: the contract of its pages. */
async function templateUrl(
  parts: EgressRunnerParts,
  pages: PageServer,
  needs: SourceNeeds,
  { layout, customBaseUrl, audioMixing }: Extract<SourceSpec, { kind: 'template' }>,
): Promise<string> {
  const { config } = parts;
  if (audioMixing !== 'both' && config.egress.template_base !== '') {
    throw ownMixing('egress.template_base');
  }
  const base = customBaseUrl || config.egress.template_base || (await pages.url());
  const url = await joiningUrl(parts, needs, base);
  url.searchParams.set('layout', layout);
  if (audioMixing !== 'both') url.searchParams.set('audio_mixing', audioMixing);
  return url.href;
}

/** What a page needs to join the Room. */
async function joiningUrl(
  { config, keys, wsUrl }: EgressRunnerParts,
  { spec, egressId }: SourceNeeds,
  base: string,
): Promise<URL> {
  const url = new URL(base);
  url.searchParams.set('url', config.egress.ws_url || (await wsUrl()));
  url.searchParams.set('token', await recorderToken(keys, spec.room, egressId));
  return url;
}

/** Sees everything, is seen by nobody. */
function recorderToken(keys: KeySource, room: string, egressId: string): Promise<string> {
  const video = {
    room,
    roomJoin: true,
    canSubscribe: true,
    canPublish: false,
    canPublishData: false,
    hidden: true,
    recorder: true,
  };
  return new TokenMinter({ keys }).mint('', { kind: 'egress', video }, TOKEN_SECONDS, egressId);
}

type Limits = SluiceConfig['egress']['session_limits'];

/** The tightest of what its outputs may. */
function limitsOf({ outputs }: EgressSpec, limits: Limits): EgressLimits {
  const ofKind = {
    file: limits.file_output_max_duration,
    stream: limits.stream_output_max_duration,
    segments: limits.segment_output_max_duration,
    images: limits.image_output_max_duration,
  };
  const durations = outputs.map(({ kind }) => ofKind[kind]).filter((ms) => ms > 0);
  const hasFile = outputs.some(({ kind }) => kind === 'file');
  return {
    maxDurationMs: durations.length > 0 ? Math.min(...durations) : 0,
    maxBytes: hasFile ? limits.file_output_max_size : 0,
  };
}

/** What clients and applications reach of Egresses. */
export interface EgressEntry {
  readonly service: TwirpService;
  /** Of RoomService. */
  readonly starter: RoomEgressStarter;
}

export function egressEntry(options: {
  readonly config: SluiceConfig;
  /** With `egress.service: livekit`. @default - nodes record by themselves */
  readonly official?: EgressLauncher | undefined;
  readonly dispatcher: JobDispatcher;
  readonly store: JobStore;
  readonly control: RoomControl;
  readonly keys: KeySource;
  readonly sealer: SpecSealer;
}): EgressEntry {
  const { config, official, dispatcher, store, control, keys, sealer } = options;
  const launcher =
    official ?? new JobEgresses({ jobs: dispatcher, sealer, storage: storageByDefault(config) });
  const knowsKey = (apiKey: string): boolean => keys.secretOf(apiKey) !== undefined;
  const egress = new EgressControl({ launcher, store, rooms: control, knowsKey });
  return { service: egressService(egress), starter: starterOf(egress) };
}

const starterOf = (egress: EgressControl): RoomEgressStarter => ({
  check: (room, wanted) => {
    try {
      if (wanted.room !== undefined) egress.check(ofRoom(wanted.room, room));
      if (wanted.participant !== undefined)
        egress.check(ofParticipant(wanted.participant, room, '-'));
      if (wanted.tracks !== undefined) egress.check(ofTrack(wanted.tracks, room, '-'));
    } catch (error) {
      throw egressErrorForCaller(error);
    }
  },
  created: async (room, wanted) => {
    try {
      if (wanted.room !== undefined) await egress.startWithRoom(room, wanted.room);
    } catch (error) {
      throw egressErrorForCaller(error);
    }
  },
});

/** @returns undefined where a request has to name one. */
function storageByDefault(config: SluiceConfig): DefaultStorage {
  const local = config.egress.local_directory === '' ? undefined : ({ kind: 'local' } as const);
  return configuredStorage(config, 'storage') ?? local;
}
