/** LiveKit's version whose protocol this speaks: some clients look at it. */
export const SERVER_VERSION = '1.13.5';
/** Of the signal protocol. Source: livekit/protocol. */
export const PROTOCOL = 17;
/** Of this program, as in package.json. */
export const PROGRAM_VERSION = '0.1.0';
