import type { ICEServer, RoomAgentDispatch, ServerInfo } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { RoomMedia } from '../media/room-media';
import type { Participant } from './participant';
import type { Room } from './room';
import type { RoomObserver } from './room-observer';
import type { RoomSettings } from './room-settings';

/** What a Room is made with. Source: CreateRoomRequest, RoomConfiguration. */
export interface RoomOptions {
  readonly name: string;
  readonly metadata: string;
  /** Seconds that the Room stays open before anybody has come. */
  readonly emptyTimeout: number;
  /** Seconds that the Room stays open after the last one has left. */
  readonly departureTimeout: number;
  /** 0 sets no limit. */
  readonly maxParticipants: number;
  /** Name streams so that clients play a participant's audio and video in step. */
  readonly syncStreams: boolean;
  /** The agents that a new Room is to have. @default - those of workers without a name */
  readonly agents?: readonly RoomAgentDispatch[] | undefined;
  /** What is to be recorded of it, sealed: the Room keeps it, and cannot read it. @default - nothing */
  readonly autoEgress?: string | undefined;
}

export interface RoomDependencies {
  readonly media: RoomMedia;
  readonly settings: RoomSettings;
  readonly observer: RoomObserver;
  readonly log: Logger;
  readonly now: () => number;
  readonly serverInfo: ServerInfo;
  readonly iceServers: (participant: Pick<Participant, 'sid'>) => ICEServer[];
  /** How long those who are expected have to come, in ms. */
  readonly rejoinWaitMs: number;
  /** Something has changed of what outlives this node. */
  readonly onFactsChanged: (room: Room) => void;
  readonly onClosed: (room: Room, end: RoomEnd) => void;
  /** Its worker is gone with all media: it has to be made anew on another one. */
  readonly onLost: (room: Room) => void;
}

/** How a Room ended here. */
export type RoomEnd =
  /** For good. */
  | 'finished'
  /** With the node that hosts it: it may go on elsewhere. */
  | 'closed'
  /** It goes on elsewhere. */
  | 'departed';
