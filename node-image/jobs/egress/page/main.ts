import {
  ConnectionState,
  type Participant,
  RemoteAudioTrack,
  type RemoteTrack,
  Room,
  RoomEvent,
  Track,
  type TrackPublication,
} from 'livekit-client';
import { Channels, mixingOf } from './channels';
import { arranged, columnsFor, layoutOf, type Shown } from './layout';
import { channelIn, isOver, mediaOf, shows, splitsChannels } from './media';

/**
 * The page of Room composites. Whoever opens it gives `layout`, `url` and `token` in its address,
 * `audio_mixing` where sound is to be on one channel or the other, `media` where not all of the Room is
 * wanted, and takes START_RECORDING and END_RECORDING from its console: the contract of LiveKit's pages.
 */
const query = new URLSearchParams(location.search);
const stage = document.getElementById('stage') as HTMLElement;
const mixing = mixingOf(query.get('audio_mixing'));
const channels = new Channels(mixing);
/** Where each is put on its channel; none where all are heard on both. */
const media = mediaOf(query.get('media'));
const isSplit = mixing !== 'both' || (media !== undefined && splitsChannels(media));
const mixer = isSplit ? new AudioContext({ sampleRate: 48_000 }) : undefined;
const room = new Room({
  adaptiveStream: true,
  dynacast: false,
  ...(mixer && { webAudioMix: { audioContext: mixer } }),
});
const tiles = new Map<string, HTMLElement>();
let layoutName = query.get('layout') ?? '';
let speaker = '';
let started = false;

/** Nobody may ever publish: what there is is recorded all the same. */
const START_WITHOUT_TRACKS_MS = 5000;
/** So long what was asked for by its name is waited for. */
const MEDIA_WAIT_MS = 15_000;
/** By then everybody is back in a Room that has moved. */
const BACK_MS = 10_000;
/** A picture comes a little after its track. */
const FIRST_PICTURE_MS = 3000;

function start(): void {
  if (started) return;
  started = true;
  console.log('START_RECORDING');
}

function visible({ identity, permissions }: Participant): boolean {
  // Whoever records or is hidden is not in the picture.
  return identity !== room.localParticipant.identity && permissions?.hidden !== true;
}

function shown(): Shown[] {
  const people = [...room.remoteParticipants.values()].filter(visible);
  if (media !== undefined) return people.flatMap(picked);
  return people
    .sort((a, b) => (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0))
    .flatMap((participant) => {
      const camera = publicationOf(participant, Track.Source.Camera);
      const screen = publicationOf(participant, Track.Source.ScreenShare);
      const own = { key: participant.sid, participant, publication: camera, isScreen: false };
      const shared = {
        ...own,
        key: `${participant.sid}-screen`,
        publication: screen,
        isScreen: true,
      };
      return screen === undefined ? [own] : [shared, own];
    })
    .sort((a, b) => Number(b.isScreen) - Number(a.isScreen));
}

/** What of a participant was asked for. */
function picked(participant: Participant): Shown[] {
  return [...participant.videoTrackPublications.values()]
    .filter(
      (publication) => media !== undefined && shows(media, publishedOf(publication, participant)),
    )
    .map((publication) => ({
      ...{ key: publication.trackSid, participant, isScreen: true },
      publication: publication.track && !publication.isMuted ? publication : undefined,
    }));
}

const publishedOf = ({ trackSid, source }: TrackPublication, participant: Participant) => ({
  ...{ trackSid, identity: participant.identity, kind: participant.kind },
  isScreen: source === Track.Source.ScreenShare,
});

function publicationOf(participant: Participant, source: Track.Source) {
  const publication = participant.getTrackPublication(source);
  return publication?.track && !publication.isMuted ? publication : undefined;
}

function render(): void {
  const { layout, isLight } = layoutOf(layoutName);
  document.body.classList.toggle('light', isLight);
  document.body.classList.toggle('media', media !== undefined);
  const all = shown();
  const { main, side } = arranged(all, layout, speaker);
  const wanted = new Set([...main, ...side].map(({ key }) => key));
  for (const [key, tile] of tiles) {
    if (wanted.has(key)) continue;
    tile.remove();
    tiles.delete(key);
  }
  stage.className = side.length > 0 ? 'speaker' : layout;
  const columns = columnsFor(main.length, stage.clientWidth, stage.clientHeight);
  stage.style.gridTemplateColumns = side.length > 0 ? '' : `repeat(${columns}, minmax(0, 1fr))`;
  stage.style.gridAutoRows = side.length > 0 ? '100%' : 'minmax(0, 1fr)';
  place(stage, main.map(tileOf), '.side');
  if (side.length > 0) place(sideOf(), side.map(tileOf));
  else stage.querySelector('.side')?.remove();
}

function sideOf(): HTMLElement {
  const there = stage.querySelector<HTMLElement>('.side');
  if (there !== null) return there;
  const side = document.createElement('div');
  side.className = 'side';
  stage.append(side);
  return side;
}

/** Moves as few as it can: a video that is moved stands still for a moment. */
function place(parent: HTMLElement, wanted: readonly HTMLElement[], before = ''): void {
  const last = before === '' ? null : parent.querySelector(before);
  for (const [index, tile] of wanted.entries()) {
    if (parent.children[index] !== tile) parent.insertBefore(tile, parent.children[index] ?? last);
  }
}

function tileOf({ key, participant, publication, isScreen }: Shown): HTMLElement {
  const tile = tiles.get(key) ?? newTile(key);
  const name = participant.name || participant.identity;
  tile.classList.toggle('screen', isScreen);
  tile.classList.toggle('speaking', participant.isSpeaking && !isScreen);
  setText(tile.querySelector('.name'), name);
  setText(tile.querySelector('.initial'), [...name][0]?.toUpperCase() ?? '');
  const video = tile.querySelector('video') as HTMLVideoElement;
  video.hidden = publication?.track === undefined;
  attach(video, publication);
  return tile;
}

function setText(element: Element | null, text: string): void {
  if (element !== null && element.textContent !== text) element.textContent = text;
}

function attach(video: HTMLVideoElement, publication: TrackPublication | undefined): void {
  const track = publication?.track;
  const sid = track?.sid ?? '';
  if (video.dataset['track'] === sid) return;
  video.dataset['track'] = sid;
  if (track === undefined) video.srcObject = null;
  else track.attach(video);
  video.muted = true;
}

function newTile(key: string): HTMLElement {
  const tile = document.createElement('div');
  tile.className = 'tile';
  tile.innerHTML =
    '<div class="initial"></div><video autoplay playsinline muted></video><div class="name"></div>';
  tile.querySelector('video')?.addEventListener('loadeddata', start, { once: true });
  tiles.set(key, tile);
  return tile;
}

function play(track: RemoteTrack, publication: TrackPublication, participant: Participant): void {
  const channel =
    media === undefined
      ? channels.of(participant)
      : channelIn(media, publishedOf(publication, participant));
  if (channel === undefined) return;
  if (mixer !== undefined && channel !== 'both' && track instanceof RemoteAudioTrack) {
    // Mixed down first: panned, two channels of one sound would be twice as loud.
    const mono = { channelCount: 1, channelCountMode: 'explicit' } as const;
    const pan = channel === 'left' ? -1 : 1;
    track.setWebAudioPlugins([new StereoPannerNode(mixer, { ...mono, pan })]);
  }
  document.body.append(track.attach());
  setTimeout(start, FIRST_PICTURE_MS);
}

/** Ends where nothing is left of what was asked for by its name. */
function look(): void {
  // Whoever connects anew sees everybody leave, and come again.
  if (media === undefined || !started || room.state !== ConnectionState.Connected) return;
  const people = [...room.remoteParticipants.values()];
  const identities = people.map(({ identity }) => identity);
  const trackSids = people.flatMap(({ trackPublications }) => [...trackPublications.keys()]);
  if (isOver(media, { identities, trackSids })) console.log('END_RECORDING');
}

function fail(error: unknown): void {
  const box = document.createElement('div');
  box.className = 'error';
  box.textContent = error instanceof Error ? error.message : String(error);
  stage.replaceChildren(box);
}

/** Whoever asks for another layout writes it into the metadata of the recorder. */
function readLayout(): void {
  try {
    const metadata: unknown = JSON.parse(room.localParticipant.metadata || '{}');
    if (typeof metadata !== 'object' || metadata === null || !('layout' in metadata)) return;
    if (typeof metadata.layout === 'string') layoutName = metadata.layout;
  } catch {
    // It is somebody else's.
  }
}

const RENDER_ON = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.ParticipantNameChanged,
] as const;

async function main(): Promise<void> {
  for (const event of RENDER_ON) room.on(event, render);
  room.on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
    if (track.kind === Track.Kind.Audio) play(track, publication, participant);
  });
  for (const event of [RoomEvent.ParticipantDisconnected, RoomEvent.TrackUnpublished] as const) {
    room.on(event, () => setTimeout(look));
  }
  room.on(RoomEvent.Reconnected, () => setTimeout(look, BACK_MS));
  room.on(RoomEvent.TrackUnsubscribed, (track) => {
    if (track.kind !== Track.Kind.Audio) return;
    for (const element of track.detach()) element.remove();
  });
  room.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
    const loudest = speakers.find(visible);
    if (loudest !== undefined) speaker = loudest.identity;
    render();
  });
  room.on(RoomEvent.ParticipantMetadataChanged, (_before, participant) => {
    if (participant !== room.localParticipant) return;
    readLayout();
    render();
  });
  room.on(RoomEvent.Disconnected, () => console.log('END_RECORDING'));
  await room.connect(query.get('url') ?? '', query.get('token') ?? '');
  readLayout();
  render();
  if (media === undefined) setTimeout(start, START_WITHOUT_TRACKS_MS);
  else setTimeout(missing, MEDIA_WAIT_MS);
}

function missing(): void {
  if (started || media === undefined) return;
  if (media.captureAll) start();
  else fail(new Error('what was asked for of the Room was not published within 15 s'));
}

main().catch(fail);
