import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Message } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import { RoomError } from '../../room/errors';
import type { RoomControl } from '../../room/room-control';
import { TwirpError } from '../twirp-error';
import { CONTROL_METHODS, type ControlMethod } from './control-methods';
import {
  answerBytes,
  answerJson,
  BodyTooLargeError,
  bodyOf,
  type LinkPath,
  urlOf,
} from './link-requests';

const PREFIX = '/control/';
/** As much as the server API takes, `limit.max_api_request_body_size`. */
const MAX_BODY_BYTES = 10 << 20;

export interface ControlRequestsOptions {
  /**
   * Of the Rooms of this node. What it rejects with RoomElsewhereError is answered by 421: the
   * caller looks again where the Room is.
   */
  readonly control: RoomControl;
  /** 0: no limit. @default 10 MiB */
  readonly maxBodyBytes?: number;
  readonly log: Pick<Logger, 'debug'>;
}

type Serve = (body: Uint8Array) => Promise<Uint8Array>;

/**
 * The server API behind the node link: `POST /control/<Method>`, bodies in protobuf's binary form.
 *
 * Errors are JSON: `{code, message, meta}` of a RoomError, with the status that Twirp gives it.
 * 421 with `x-sluice-elsewhere` says that the Room is not this node's.
 */
export function controlRequests(options: ControlRequestsOptions): LinkPath {
  const { control, maxBodyBytes = MAX_BODY_BYTES, log } = options;
  const methods = servedMethods(control);
  return {
    prefix: PREFIX,
    handle: async (request, response) => {
      const name = urlOf(request).pathname.slice(PREFIX.length);
      const serve = methods.get(name);
      if (request.method !== 'POST' || serve === undefined) {
        const asked = `${request.method ?? ''} ${PREFIX}${name}`;
        answerJson(response, 404, { code: 'not_found', message: `no such call: ${asked}` });
        return;
      }
      try {
        const answer = await serve(await bodyOf(request, maxBodyBytes));
        answerBytes(response, 200, answer, { 'content-type': 'application/protobuf' });
      } catch (error) {
        log.debug({ err: error, call: name }, 'a call over the node link was refused');
        answerError(request, response, error);
      }
    },
  };
}

function servedMethods(control: RoomControl): ReadonlyMap<string, Serve> {
  const serve = <I extends Message<I>, O extends Message<O>>(
    method: ControlMethod<I, O>,
  ): readonly [string, Serve] => [method.name, (body) => called(method, body, control)];
  const m = CONTROL_METHODS;
  return new Map([
    serve(m.createRoom),
    serve(m.listRooms),
    serve(m.deleteRoom),
    serve(m.listParticipants),
    serve(m.getParticipant),
    serve(m.removeParticipant),
    serve(m.mutePublishedTrack),
    serve(m.updateParticipant),
    serve(m.updateSubscriptions),
    serve(m.sendData),
    serve(m.updateRoomMetadata),
    serve(m.performRpc),
    serve(m.createDispatch),
    serve(m.deleteDispatch),
    serve(m.listDispatch),
    serve(m.connectedAgents),
  ]);
}

async function called<I extends Message<I>, O extends Message<O>>(
  method: ControlMethod<I, O>,
  body: Uint8Array,
  control: RoomControl,
): Promise<Uint8Array> {
  return (await method.call(control, decoded(method, body))).toBinary();
}

function decoded<I extends Message<I>, O extends Message<O>>(
  { input, name }: ControlMethod<I, O>,
  body: Uint8Array,
): I {
  try {
    return input.fromBinary(body);
  } catch (error) {
    const text = `the request of ${name} could not be decoded`;
    throw new TwirpError('malformed', text, {}, { cause: error });
  }
}

function answerError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (error instanceof BodyTooLargeError) {
    // What still comes is not read: the connection ends with the answer.
    response.setHeader('connection', 'close');
    answerJson(response, 413, { code: 'invalid_argument', message: error.message });
    request.resume();
    return;
  }
  if (error instanceof RoomError || error instanceof TwirpError) {
    const { code, message, meta } = error;
    answerJson(response, new TwirpError(code, message).status, { code, message, meta });
    return;
  }
  throw error;
}
