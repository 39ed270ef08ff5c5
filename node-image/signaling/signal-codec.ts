import { SignalRequest } from '@livekit/protocol';

/** A frame that is no SignalRequest. */
export class SignalDecodeError extends Error {
  override readonly name = 'SignalDecodeError';
}

/**
 * Reads one frame: protobuf in a binary frame, protojson in a text frame.
 *
 * @throws SignalDecodeError
 */
export function decodeSignal(data: Buffer, isBinary: boolean): SignalRequest {
  try {
    return isBinary
      ? SignalRequest.fromBinary(data)
      : SignalRequest.fromJsonString(data.toString('utf8'), { ignoreUnknownFields: true });
  } catch (error) {
    throw new SignalDecodeError('the frame is not a SignalRequest', { cause: error });
  }
}
