import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

const PACKET_BYTES = 48;
/** Version 4, client. */
const REQUEST_HEAD = 0x23;
const SERVER_MODE = 4;
/** What it says of leap seconds where its own clock is not set. */
const NOT_SYNCHRONISED = 3;
/** Of 1970 in seconds of NTP, which begin with 1900. */
const UNIX_EPOCH_SECONDS = 2_208_988_800;
const ERA_SECONDS = 2 ** 32;
/** The first seconds after 2036 are small numbers. Source: RFC 4330, section 3. */
const FIRST_OF_THIS_ERA = 2 ** 31;
/** Bytes at which the packet has each time. */
const ORIGINATE = 24;
const RECEIVE = 32;
const TRANSMIT = 40;

export interface SntpQuestion {
  /** Address or name. */
  readonly host: string;
  /** Usually 123. */
  readonly port: number;
  readonly timeoutMs: number;
  /** Of this machine, ms. @default Date.now */
  readonly now?: (() => number) | undefined;
}

export interface SntpAnswer {
  /** What has to be added to the clock of this machine, ms. */
  readonly offsetMs: number;
  /** How long the answer was under way: the offset is known up to half of it, ms. */
  readonly roundTripMs: number;
}

/**
 * Asks a time server what time it is.
 *
 * Source: RFC 4330, section 5.
 *
 * @returns undefined where no answer comes in time that can be used.
 * @throws the error of the system where nothing can be sent.
 */
export async function askTime(question: SntpQuestion): Promise<SntpAnswer | undefined> {
  const { host, port, timeoutMs, now = Date.now } = question;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const request = Buffer.alloc(PACKET_BYTES);
  let timer: NodeJS.Timeout | undefined;
  let sentMs = 0;
  try {
    return await new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (packet) => {
        const answer = readAnswer(packet, request, sentMs, now());
        if (answer !== undefined) resolve(answer);
      });
      timer = setTimeout(() => resolve(undefined), timeoutMs);
      socket.bind(0, undefined, () => {
        sentMs = now();
        request.writeUInt8(REQUEST_HEAD, 0);
        writeTime(request, TRANSMIT, sentMs);
        socket.send(request, port, host, (error) => error && reject(error));
      });
    });
  } finally {
    clearTimeout(timer);
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.close();
  }
}

/** @returns undefined for what is no answer to the request, or comes from a clock that is not set. */
function readAnswer(
  packet: Buffer,
  request: Buffer,
  sentMs: number,
  arrivedMs: number,
): SntpAnswer | undefined {
  if (packet.length < PACKET_BYTES) return undefined;
  const head = packet.readUInt8(0);
  const stratum = packet.readUInt8(1);
  const isOurs = packet
    .subarray(ORIGINATE, RECEIVE)
    .equals(request.subarray(TRANSMIT, PACKET_BYTES));
  // Stratum 0 is a refusal, such as RATE; above 15 nobody has told it the time.
  const isUsable =
    (head & 7) === SERVER_MODE && head >>> 6 !== NOT_SYNCHRONISED && stratum >= 1 && stratum <= 15;
  if (!isOurs || !isUsable) return undefined;
  const receivedMs = readTime(packet, RECEIVE);
  const answeredMs = readTime(packet, TRANSMIT);
  return {
    offsetMs: (receivedMs - sentMs + (answeredMs - arrivedMs)) / 2,
    roundTripMs: arrivedMs - sentMs - (answeredMs - receivedMs),
  };
}

/** @param ms - since 1970 */
export function writeTime(packet: Buffer, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  packet.writeUInt32BE((seconds + UNIX_EPOCH_SECONDS) % ERA_SECONDS, at);
  packet.writeUInt32BE(Math.floor(((ms - seconds * 1000) / 1000) * ERA_SECONDS), at + 4);
}

/** @returns ms since 1970 */
export function readTime(packet: Buffer, at: number): number {
  const seconds = packet.readUInt32BE(at);
  const era = seconds < FIRST_OF_THIS_ERA ? ERA_SECONDS : 0;
  const fraction = packet.readUInt32BE(at + 4) / ERA_SECONDS;
  return (seconds + era - UNIX_EPOCH_SECONDS + fraction) * 1000;
}
