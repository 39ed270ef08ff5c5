import {
  type PublishDataTrackRequest,
  RequestResponse_Reason as Reason,
  RequestResponse,
  type UnpublishDataTrackRequest,
} from '@livekit/protocol';

const maxHandle = 65_535;
const maxNameBytes = 256;

export interface DataTrackLimits {
  /** Whether the Room has data tracks at all. @default true */
  readonly enabled?: boolean;
  /** The most tracks of one participant. @default 256 */
  readonly maxTracksPerParticipant?: number;
  /** The longest custom encoding, in bytes; 0 sets no limit. @default 32 */
  readonly maxCustomEncodingBytes?: number;
}

export interface PublishedNames {
  readonly pubHandle: number;
  readonly name: string;
}

export interface PublishAttempt {
  readonly request: PublishDataTrackRequest;
  readonly canPublishData: boolean;
  /** The data tracks that the participant has. */
  readonly published: readonly PublishedNames[];
  /** How many handles towards subscribers the Room has left. */
  readonly handlesLeft: number;
  readonly limits: DataTrackLimits;
}

/**
 * Checks a request to publish a data track.
 *
 * @returns the refusal to send, or undefined where nothing speaks against it.
 *
 * Source: livekit-server, ParticipantImpl.HandlePublishDataTrackRequest.
 */
export function refusePublish(asked: PublishAttempt): RequestResponse | undefined {
  const { request, published, limits } = asked;
  const refuse = (reason: Reason, message: string): RequestResponse =>
    new RequestResponse({
      reason,
      message,
      request: { case: 'publishDataTrack', value: request },
    });
  const { enabled = true, maxTracksPerParticipant = 256, maxCustomEncodingBytes = 32 } = limits;
  if (!asked.canPublishData || !enabled) {
    return refuse(Reason.NOT_ALLOWED, 'does not have permission to publish data');
  }
  if (request.pubHandle === 0 || request.pubHandle > maxHandle) {
    return refuse(Reason.INVALID_HANDLE, 'handle should be > 0 AND < 65536');
  }
  const nameBytes = Buffer.byteLength(request.name);
  if (nameBytes === 0 || nameBytes > maxNameBytes) {
    const text = 'name should not be empty and should not exceed 256 characters';
    return refuse(Reason.INVALID_NAME, text);
  }
  // It is repeated to everybody in the Room.
  if (Buffer.byteLength(request.schema?.name ?? '') > maxNameBytes) {
    return refuse(Reason.INVALID_REQUEST, 'schema name should not exceed 256 characters');
  }
  if (customEncodings(request).some((name) => !isAcceptable(name, maxCustomEncodingBytes))) {
    const text = 'encoding identifier is empty or exceeds the maximum length';
    return refuse(Reason.INVALID_REQUEST, text);
  }
  if (published.some((track) => track.pubHandle === request.pubHandle)) {
    return refuse(Reason.DUPLICATE_HANDLE, 'a data track with same handle already exists');
  }
  if (published.some((track) => track.name === request.name)) {
    return refuse(Reason.DUPLICATE_NAME, 'a data track with same name already exists');
  }
  if (published.length >= maxTracksPerParticipant || asked.handlesLeft === 0) {
    const text = `at most ${maxTracksPerParticipant} data tracks a participant and 65535 a room`;
    return refuse(Reason.LIMIT_EXCEEDED, text);
  }
  return undefined;
}

export function refuseUnpublish(request: UnpublishDataTrackRequest): RequestResponse {
  return new RequestResponse({
    reason: Reason.NOT_FOUND,
    request: { case: 'unpublishDataTrack', value: request },
  });
}

function customEncodings(request: PublishDataTrackRequest): string[] {
  const encodings = [request.frameEncoding?.value, request.schema?.encoding?.value];
  return encodings.flatMap((encoding) => (encoding?.case === 'custom' ? [encoding.value] : []));
}

function isAcceptable(name: string, maxBytes: number): boolean {
  return name !== '' && (maxBytes === 0 || Buffer.byteLength(name) <= maxBytes);
}
