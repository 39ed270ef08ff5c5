/** The error codes of Twirp that Rooms use. Source: the Twirp specification, "Error Codes". */
export type RoomErrorCode =
  | 'invalid_argument'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'resource_exhausted'
  | 'deadline_exceeded'
  | 'unimplemented'
  | 'unavailable'
  | 'permission_denied'
  | 'internal';

/** Something asked of a Room that cannot be done. The text is safe to show to the caller. */
export class RoomError extends Error {
  constructor(
    readonly code: RoomErrorCode,
    message: string,
    /** Facts for the caller, such as the code and data of a failed RPC. */
    readonly meta: Record<string, string> = {},
  ) {
    super(message);
    this.name = 'RoomError';
  }
}

export const roomNotFound = (): RoomError =>
  new RoomError('not_found', 'requested room does not exist');
export const participantNotFound = (): RoomError =>
  new RoomError('not_found', 'participant does not exist');
