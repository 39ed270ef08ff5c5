import {
  RequestResponse,
  RequestResponse_Reason,
  type UpdateParticipantMetadata,
} from '@livekit/protocol';
import type { Participant } from './participant';

/** How much a participant may say of itself. 0 sets no limit. */
export interface OwnDataLimits {
  /** Bytes. */
  readonly nameLength: number;
  /** Bytes. */
  readonly metadataBytes: number;
  /** Bytes, names and values of all attributes together. */
  readonly attributesBytes: number;
}

/** The values of a participant that others read, as a client or the server API changes them. */
export interface OwnData {
  readonly name: string;
  readonly metadata: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface ChangeableOwnData {
  name: string;
  metadata: string;
  attributes: Record<string, string>;
}

const within = (size: number, limit: number): boolean => limit === 0 || size <= limit;

/** What is too large, in LiveKit's words; undefined where all is well. */
export function exceeds(data: OwnData, limits: OwnDataLimits): string | undefined {
  if (!within(Buffer.byteLength(data.name), limits.nameLength)) {
    return 'exceeds name length limit';
  }
  if (!within(Buffer.byteLength(data.metadata), limits.metadataBytes)) {
    return 'exceeds metadata size limit';
  }
  const bytes = Object.entries(data.attributes).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return within(bytes, limits.attributesBytes) ? undefined : 'exceeds attributes size limit';
}

/** Takes over what is given: empty leaves name and metadata alone, an empty value deletes an attribute. */
export function applyOwnData(participant: ChangeableOwnData, data: OwnData): void {
  participant.name = data.name || participant.name;
  participant.metadata = data.metadata || participant.metadata;
  participant.attributes = mergedAttributes(participant.attributes, data.attributes);
}

export function mergedAttributes(
  before: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...before, ...changes }).filter(([, value]) => value !== ''),
  );
}

/**
 * A client's change of its own name, metadata and attributes, which it waits to hear the fate of.
 *
 * Source: livekit_rtc.proto UpdateParticipantMetadata, RequestResponse.
 *
 * @returns whether anything was changed.
 */
export function updateOwnData(
  participant: Participant,
  request: UpdateParticipantMetadata,
  limits: OwnDataLimits,
): boolean {
  const answer = (reason: RequestResponse_Reason, message = ''): void =>
    participant.send({
      case: 'requestResponse',
      value: new RequestResponse({
        requestId: request.requestId,
        reason,
        message,
        request: { case: 'updateMetadata', value: request },
      }),
    });
  if (!participant.permission.canUpdateMetadata) {
    answer(RequestResponse_Reason.NOT_ALLOWED, 'does not have permission to update own metadata');
    return false;
  }
  const attributes = mergedAttributes(participant.attributes, request.attributes);
  const tooLarge = exceeds({ ...request, attributes }, limits);
  if (tooLarge !== undefined) {
    answer(RequestResponse_Reason.LIMIT_EXCEEDED, tooLarge);
    return false;
  }
  applyOwnData(participant, request);
  participant.touch(true);
  answer(RequestResponse_Reason.OK);
  return true;
}
