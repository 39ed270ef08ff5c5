import type { Message } from '@bufbuild/protobuf';
import { z } from 'zod';
import type { LinkAnswer, LinkClient } from '../../cluster/link/link';
import type { RouteTarget } from '../../cluster/room-routes';
import { RoomError, type RoomErrorCode } from '../../room/errors';
import { RoomElsewhereError } from '../../room/room-ownership';
import type { ControlMethod } from './control-methods';
import { ELSEWHERE_HEADER, ELSEWHERE_STATUS } from './link-requests';

const codes = [
  'invalid_argument',
  'not_found',
  'already_exists',
  'failed_precondition',
  'resource_exhausted',
  'deadline_exceeded',
  'unimplemented',
  'unavailable',
  'permission_denied',
  'internal',
] as const satisfies readonly RoomErrorCode[];

const errorSchema = z.object({
  code: z.enum(codes),
  message: z.string(),
  meta: z.record(z.string(), z.string()).default({}),
});

/** A Media Node answered with what no Media Node of this version answers. */
export class OddAnswerError extends Error {
  override readonly name = 'OddAnswerError';
}

/**
 * Makes one call to one node, once.
 *
 * @throws LinkError, RoomElsewhereError, OddAnswerError
 * @throws RoomError as the node's RoomControl threw it.
 */
export async function callNode<I extends Message<I>, O extends Message<O>>(
  link: LinkClient,
  target: RouteTarget,
  method: ControlMethod<I, O>,
  request: I,
  timeoutMs: number,
): Promise<O> {
  const answer = await link.request(target.link, {
    method: 'POST',
    path: `/control/${method.name}`,
    headers: { 'content-type': 'application/protobuf' },
    body: request.toBinary(),
    timeoutMs,
  });
  if (answer.status !== 200) {
    throw errorOf(answer, target, method.name);
  }
  try {
    return method.output.fromBinary(answer.body);
  } catch (error) {
    throw odd(answer, target, method.name, error);
  }
}

function errorOf(answer: LinkAnswer, target: RouteTarget, name: string): Error {
  if (answer.status === ELSEWHERE_STATUS && answer.headers[ELSEWHERE_HEADER] !== undefined) {
    return new RoomElsewhereError(`node ${target.nodeId} does not host the Room`);
  }
  const parsed = errorSchema.safeParse(jsonOf(answer.body));
  return parsed.success
    ? new RoomError(parsed.data.code, parsed.data.message, parsed.data.meta)
    : odd(answer, target, name);
}

function odd(answer: LinkAnswer, target: RouteTarget, name: string, cause?: unknown): Error {
  const text =
    `node ${target.nodeId} answered ${name} with status ${answer.status} ` +
    `and ${answer.body.length} bytes that are no answer to it; is it of another version?`;
  return new OddAnswerError(text, { cause });
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
