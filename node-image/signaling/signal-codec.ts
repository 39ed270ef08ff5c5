import { SignalRequest } from '@livekit/protocol';

/** A frame that is no SignalRequest. */
export class SignalDecodeError extends Error {
  override readonly name = 'SignalDecodeError';
}

/**
 * The JSON reader lets pass what binary cannot carry, such as enum values beyond 32 bits: it would
 * fail only when another client is told of it.
 */
function binaryOf(json: string): Uint8Array {
  return SignalRequest.fromJsonString(json, { ignoreUnknownFields: true }).toBinary();
}

/**
 * Reads one frame: protobuf in a binary frame, protojson in a text frame.
 *
 * @throws SignalDecodeError
 */
export function decodeSignal(data: Buffer, isBinary: boolean): SignalRequest {
  try {
    return SignalRequest.fromBinary(isBinary ? data : binaryOf(data.toString('utf8')));
  } catch (error) {
    throw new SignalDecodeError('the frame is not a SignalRequest', { cause: error });
  }
}
