/**
 * What psrpc sends over Redis: an envelope that names what is in it, and five kinds of content.
 *
 * Source: livekit/psrpc, internal/internal.proto.
 */
import {
  Any,
  type BinaryReadOptions,
  type Message,
  type MessageType,
  proto3,
  ScalarType,
} from '@bufbuild/protobuf';

interface Envelope extends Message<Envelope> {
  typeUrl: string;
  value: Uint8Array;
}
const Envelope: MessageType<Envelope> = proto3.makeMessageType('internal.Msg', () => [
  { no: 1, name: 'type_url', kind: 'scalar', T: ScalarType.STRING },
  { no: 2, name: 'value', kind: 'scalar', T: ScalarType.BYTES },
]);

/** A call. It is over at `expiry`, in ns since 1970, whoever has it by then. */
export interface Request extends Message<Request> {
  requestId: string;
  clientId: string;
  sentAt: bigint;
  expiry: bigint;
  multi: boolean;
  rawRequest: Uint8Array;
}
export const Request: MessageType<Request> = proto3.makeMessageType('internal.Request', () => [
  { no: 1, name: 'request_id', kind: 'scalar', T: ScalarType.STRING },
  { no: 2, name: 'client_id', kind: 'scalar', T: ScalarType.STRING },
  { no: 3, name: 'sent_at', kind: 'scalar', T: ScalarType.INT64 },
  { no: 4, name: 'expiry', kind: 'scalar', T: ScalarType.INT64 },
  { no: 5, name: 'multi', kind: 'scalar', T: ScalarType.BOOL },
  { no: 8, name: 'raw_request', kind: 'scalar', T: ScalarType.BYTES },
]);

/** The answer to a call; `error` and `code` are empty where it went well. */
export interface Response extends Message<Response> {
  requestId: string;
  serverId: string;
  sentAt: bigint;
  error: string;
  code: string;
  rawResponse: Uint8Array;
  errorDetails: Any[];
}
export const Response: MessageType<Response> = proto3.makeMessageType('internal.Response', () => [
  { no: 1, name: 'request_id', kind: 'scalar', T: ScalarType.STRING },
  { no: 2, name: 'server_id', kind: 'scalar', T: ScalarType.STRING },
  { no: 3, name: 'sent_at', kind: 'scalar', T: ScalarType.INT64 },
  { no: 5, name: 'error', kind: 'scalar', T: ScalarType.STRING },
  { no: 6, name: 'code', kind: 'scalar', T: ScalarType.STRING },
  { no: 7, name: 'raw_response', kind: 'scalar', T: ScalarType.BYTES },
  { no: 8, name: 'error_details', kind: 'message', T: Any, repeated: true },
]);

/** A server wants a call, the more the higher `affinity`. */
export interface ClaimRequest extends Message<ClaimRequest> {
  requestId: string;
  serverId: string;
  affinity: number;
}
export const ClaimRequest: MessageType<ClaimRequest> = proto3.makeMessageType(
  'internal.ClaimRequest',
  () => [
    { no: 1, name: 'request_id', kind: 'scalar', T: ScalarType.STRING },
    { no: 2, name: 'server_id', kind: 'scalar', T: ScalarType.STRING },
    { no: 3, name: 'affinity', kind: 'scalar', T: ScalarType.FLOAT },
  ],
);

/** Which server it is given to. */
export interface ClaimResponse extends Message<ClaimResponse> {
  requestId: string;
  serverId: string;
}
export const ClaimResponse: MessageType<ClaimResponse> = proto3.makeMessageType(
  'internal.ClaimResponse',
  () => [
    { no: 1, name: 'request_id', kind: 'scalar', T: ScalarType.STRING },
    { no: 2, name: 'server_id', kind: 'scalar', T: ScalarType.STRING },
  ],
);

/** What is asked and answered is small; a list of thousands of Egresses has some MB. */
export const MOST_BYTES = 16 << 20;

const URL_PREFIX = 'type.googleapis.com/';
const LENIENT: Partial<BinaryReadOptions> = { readUnknownFields: false };

/** As it is published. */
export function sealed(message: Request | Response | ClaimRequest | ClaimResponse): Buffer {
  const typeUrl = `${URL_PREFIX}${message.getType().typeName}`;
  return Buffer.from(new Envelope({ typeUrl, value: message.toBinary() }).toBinary());
}

/** @returns undefined for what is no message of this type: anybody may publish anything. */
export function opened<T extends Message<T>>(
  type: MessageType<T>,
  bytes: Uint8Array,
): T | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  try {
    const { typeUrl, value } = Envelope.fromBinary(bytes, LENIENT);
    if (typeUrl !== `${URL_PREFIX}${type.typeName}`) return undefined;
    return type.fromBinary(value, LENIENT);
  } catch {
    return undefined;
  }
}

/** ns since 1970, as calls carry times. */
export const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n;
