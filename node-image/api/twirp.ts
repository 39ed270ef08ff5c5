import type { JsonValue, Message, MessageType } from '@bufbuild/protobuf';
import type { Grants } from '../room/grants';
import { badRoute, TwirpError } from './twirp-error';

/** Who calls. */
export interface TwirpContext {
  /** Undefined when the request carried no token. */
  readonly grants: Grants | undefined;
}

export type TwirpFormat = 'json' | 'protobuf';

/** One method with its types hidden: bytes in, bytes out. */
export type TwirpMethod = (
  body: Uint8Array,
  format: TwirpFormat,
  context: TwirpContext,
) => Promise<Uint8Array>;

export interface TwirpService {
  /** With its package, such as "livekit.RoomService". */
  readonly name: string;
  readonly methods: ReadonlyMap<string, TwirpMethod>;
}

/** Gives a typed handler the two encodings of Twirp. */
export function twirpMethod<I extends Message<I>, O extends Message<O>>(
  input: MessageType<I>,
  handle: (request: I, context: TwirpContext) => Promise<O>,
): TwirpMethod {
  return async (body, format, context) => {
    const response = await handle(decode(input, body, format), context);
    if (format === 'protobuf') return response.toBinary();
    // As Go's Twirp answers: snake_case, and fields at their default too.
    return Buffer.from(
      JSON.stringify(response.toJson({ emitDefaultValues: true, useProtoFieldName: true })),
    );
  };
}

/** The encoding that a Content-Type names. @throws TwirpError bad_route for any other. */
export function formatOf(contentType: string | undefined, path: string): TwirpFormat {
  const [type = ''] = (contentType ?? '').split(';', 1);
  switch (type.trim().toLowerCase()) {
    case 'application/json':
      return 'json';
    case 'application/protobuf':
      return 'protobuf';
    default:
      throw badRoute(`unexpected Content-Type: ${JSON.stringify(contentType ?? '')}`, 'POST', path);
  }
}

function decode<I extends Message<I>>(
  input: MessageType<I>,
  body: Uint8Array,
  format: TwirpFormat,
): I {
  try {
    if (format === 'protobuf') return input.fromBinary(body);
    const json: JsonValue = JSON.parse(new TextDecoder().decode(body));
    return input.fromJson(json, { ignoreUnknownFields: true });
  } catch (error) {
    const text = `the ${format} request could not be decoded`;
    throw new TwirpError('malformed', text, {}, { cause: error });
  }
}
